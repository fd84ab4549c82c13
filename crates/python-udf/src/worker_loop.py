"""What Firesteel starts Python with: PySpark's own worker, task after task, over the pipes of this process."""

import os
import select
import signal
import struct
import sys
import threading

# What comes is a call of `analyze`; all else is a task.
ANALYZE = 1


def take_pipes():
    """The pipes to Firesteel; what the user's code prints goes to the error stream."""
    source = os.fdopen(os.dup(0), "rb", 65536)
    sink = os.fdopen(os.dup(1), "wb", 65536)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def end_with(source):
    """Ends this process when nobody can give it work any more, also in the middle of a user's function."""
    hung_up = select.poll()
    # Nothing to read is waited for: the end of the pipe is told all the same.
    hung_up.register(source, 0)

    def wait():
        hung_up.poll()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def say(sink, text):
    data = text.encode("utf-8", "replace")
    sink.write(struct.pack("!i", len(data)))
    sink.write(data)
    sink.flush()


def text_of(value):
    """A value as the text that Java shows, which is what a pickled function's STRING column gets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join("null" if each is None else text_of(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(text_of(key) + "=" + text_of(each) for key, each in value.items()) + "}"
    return str(value)


def converter(kind):
    """From what a pickled function returned to a value of its type; what is of another type becomes None."""
    from decimal import Decimal

    from pyspark.sql import types

    def whole(bits):
        def convert(value):
            if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
                return None
            half = 1 << (bits - 1)
            return (value + half) % (1 << bits) - half

        return convert

    def of_class(wanted):
        return lambda value: value if isinstance(value, wanted) else None

    if isinstance(kind, types.StringType):
        return lambda value: value if isinstance(value, str) else text_of(value)
    for whole_type, bits in ((types.ByteType, 8), (types.ShortType, 16), (types.IntegerType, 32), (types.LongType, 64)):
        if isinstance(kind, whole_type):
            return whole(bits)
    if isinstance(kind, types.BooleanType):
        return of_class(bool)
    if isinstance(kind, (types.FloatType, types.DoubleType)):
        return of_class(float)
    if isinstance(kind, types.DecimalType):
        return of_class(Decimal)
    if isinstance(kind, types.BinaryType):
        return lambda value: value.encode("utf-8") if isinstance(value, str) else of_class((bytes, bytearray))(value)
    if isinstance(kind, types.ArrayType):
        element = nullable(kind.elementType)
        return lambda value: [element(each) for each in value] if isinstance(value, (list, tuple)) else None
    if isinstance(kind, types.MapType):
        key, entry = nullable(kind.keyType), nullable(kind.valueType)
        return lambda value: (
            {key(name): entry(each) for name, each in value.items()} if isinstance(value, dict) else None
        )
    if isinstance(kind, types.StructType):
        names = kind.fieldNames()
        fields = [nullable(field.dataType) for field in kind.fields]

        def convert(value):
            if isinstance(value, dict):
                value = [value.get(name) for name in names]
            if isinstance(value, (list, tuple)) and len(value) == len(fields):
                return tuple(field(each) for field, each in zip(fields, value))
            return value

        return convert
    if isinstance(kind, types.DateType):
        # A number would pass for a date in Arrow.
        return lambda value: value if value.toordinal() else None
    return lambda value: value


def nullable(kind):
    convert = converter(kind)
    return lambda value: None if value is None else convert(value)


def convert_as_pickled(worker):
    """Functions that are not made for Arrow run over Arrow too, and give what they would give pickled."""
    read_single_udf = worker.read_single_udf

    def read(pickler, source, eval_type, conf, *rest, **named):
        read = read_single_udf(pickler, source, eval_type, conf, *rest, **named)
        if conf.get("firesteel.pickled") != "true":
            return read
        function, positions, names, kind = read
        convert = nullable(kind)
        return (lambda *values, **more: convert(function(*values, **more))), positions, names, kind

    worker.read_single_udf = read


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = take_pipes()
    end_with(source)
    try:
        import pyspark
        from pyspark import worker

        if not pyspark.__version__.startswith("4.2"):
            raise ImportError("pyspark is of version %s, and 4.2 is needed" % pyspark.__version__)
        import pyarrow  # noqa: F401
    except ImportError as error:
        say(sink, str(error) or "pyspark is missing")
        return
    say(sink, "")
    convert_as_pickled(worker)
    while True:
        kind = source.read(4)
        if len(kind) < 4:
            return
        code = 0
        try:
            if struct.unpack("!i", kind)[0] == ANALYZE:
                from pyspark.sql.worker import analyze_udtf

                analyze_udtf.main(source, sink)
            else:
                worker.main(source, sink)
        except SystemExit as end:
            code = end.code
        sink.flush()
        if code:
            return


main()
