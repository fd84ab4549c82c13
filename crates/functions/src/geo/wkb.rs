//! Well-known binary (ISO 13249-3, OGC 06-103r4): seven kinds of shapes, with or without Z and M, in either order of
//! bytes. What Spark refuses is refused, at the same place.

use firesteel_spec::{SparkError, SparkResult};

/// How deep collections may nest.
const DEPTH_MAX: usize = 64;
const RING_POINTS_MIN: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn named(name: &str) -> SparkResult<Self> {
        match name.to_ascii_uppercase().as_str() {
            "NDR" => Ok(Self::Little),
            "XDR" => Ok(Self::Big),
            _ => Err(SparkError::new(
                "ST_INVALID_ENDIANNESS_VALUE",
                format!("the order of bytes is 'NDR' for little-endian or 'XDR' for big-endian, and not '{name}'"),
            )
            .with("endianness", name)),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Little => "NDR",
            Self::Big => "XDR",
        }
    }

    fn mark(self) -> u8 {
        u8::from(self == Self::Little)
    }

    fn integer(self, bytes: [u8; 4]) -> u32 {
        if self == Self::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn double(self, bytes: [u8; 8]) -> f64 {
        if self == Self::Little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Point = 1,
    LineString = 2,
    Polygon = 3,
    MultiPoint = 4,
    MultiLineString = 5,
    MultiPolygon = 6,
    Collection = 7,
}

impl Kind {
    fn of(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Point,
            2 => Self::LineString,
            3 => Self::Polygon,
            4 => Self::MultiPoint,
            5 => Self::MultiLineString,
            6 => Self::MultiPolygon,
            7 => Self::Collection,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Point => "Point",
            Self::LineString => "LineString",
            Self::Polygon => "Polygon",
            Self::MultiPoint => "MultiPoint",
            Self::MultiLineString => "MultiLineString",
            Self::MultiPolygon => "MultiPolygon",
            Self::Collection => "GeometryCollection",
        }
    }

    /// What all the parts are; anything where this says nothing.
    fn part(self) -> Option<Self> {
        match self {
            Self::MultiPoint => Some(Self::Point),
            Self::MultiLineString => Some(Self::LineString),
            Self::MultiPolygon => Some(Self::Polygon),
            _ => None,
        }
    }
}

/// The numbers of points, one after the other.
type Points = Vec<f64>;

#[derive(Debug, Clone)]
enum Parts {
    Points(Points),
    Rings(Vec<Points>),
    Shapes(Vec<Shape>),
}

#[derive(Debug, Clone)]
pub(super) struct Shape {
    kind: Kind,
    /// 0 for none, 1 for Z, 2 for M, 3 for both.
    dimensions: u32,
    parts: Parts,
}

impl Shape {
    /// The shape at the start of the bytes; what follows it is left out. Shapes on the earth are in degrees.
    pub(super) fn read(bytes: &[u8], on_earth: bool) -> SparkResult<Self> {
        if bytes.is_empty() {
            return Err(parse_error("WKB data is empty or null", 0));
        }
        Reader { bytes, position: 0, on_earth }.shape(None, 0)
    }

    pub(super) fn write(&self, order: Order) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append(order, &mut bytes);
        bytes
    }

    fn append(&self, order: Order, bytes: &mut Vec<u8>) {
        bytes.push(order.mark());
        push_integer(self.kind as usize + self.dimensions as usize * 1000, order, bytes);
        match &self.parts {
            Parts::Points(points) => {
                if self.kind != Kind::Point {
                    push_integer(points.len() / width(self.dimensions), order, bytes);
                }
                push_doubles(points, order, bytes);
            }
            Parts::Rings(rings) => {
                push_integer(rings.len(), order, bytes);
                for ring in rings {
                    push_integer(ring.len() / width(self.dimensions), order, bytes);
                    push_doubles(ring, order, bytes);
                }
            }
            Parts::Shapes(shapes) => {
                push_integer(shapes.len(), order, bytes);
                shapes.iter().for_each(|shape| shape.append(order, bytes));
            }
        }
    }
}

/// The numbers of one point.
fn width(dimensions: u32) -> usize {
    match dimensions {
        0 => 2,
        3 => 4,
        _ => 3,
    }
}

/// Counts and kinds come from 4 bytes, and fit them again.
fn push_integer(value: usize, order: Order, bytes: &mut Vec<u8>) {
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    bytes.extend(if order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() });
}

fn push_doubles(values: &[f64], order: Order, bytes: &mut Vec<u8>) {
    for value in values {
        bytes.extend(if order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() });
    }
}

fn parse_error(why: impl Into<String>, position: usize) -> SparkError {
    let why = why.into();
    SparkError::new("WKB_PARSE_ERROR", format!("the well-known binary is wrong at byte {position}: {why}"))
        .with("parseError", why)
        .with("pos", position.to_string())
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    on_earth: bool,
}

impl Reader<'_> {
    /// A shape whose dimensions are those of the shape around it, if there is one.
    fn shape(&mut self, around: Option<u32>, depth: usize) -> SparkResult<Shape> {
        if depth > DEPTH_MAX {
            return Err(parse_error(format!("Shapes nest deeper than {DEPTH_MAX}"), self.position));
        }
        let start = self.position;
        if self.bytes.len() - start < 5 {
            return Err(parse_error("Unexpected end of WKB buffer", start));
        }
        let order = match self.bytes[start] {
            0 => Order::Big,
            1 => Order::Little,
            other => return Err(parse_error(format!("Invalid byte order {other}"), start)),
        };
        self.position += 1;
        let number = self.integer(order)?;
        let (dimensions, kind) = (number / 1000, Kind::of(number % 1000));
        let kind = kind.filter(|_| dimensions <= 3 && around.is_none_or(|around| around == dimensions));
        let Some(kind) = kind else {
            return Err(parse_error(format!("Invalid or unsupported type {}", number as i32), start + 1));
        };
        let parts = match kind {
            Kind::Point => Parts::Points(self.points(1, dimensions, order, true)?),
            Kind::LineString => Parts::Points(self.line(dimensions, order)?),
            Kind::Polygon => {
                let rings = self.count("Polygon rings", 4, order)?;
                Parts::Rings((0..rings).map(|_| self.ring(dimensions, order)).collect::<SparkResult<_>>()?)
            }
            _ => Parts::Shapes(self.shapes(kind, dimensions, order, depth)?),
        };
        Ok(Shape { kind, dimensions, parts })
    }

    fn shapes(&mut self, kind: Kind, dimensions: u32, order: Order, depth: usize) -> SparkResult<Vec<Shape>> {
        /// The order of bytes and the kind.
        const SHAPE_BYTES_MIN: usize = 5;
        let count = self.count(kind.name(), SHAPE_BYTES_MIN, order)?;
        let mut shapes = Vec::with_capacity(count);
        for _ in 0..count {
            let shape = self.shape(Some(dimensions), depth + 1)?;
            if let Some(part) = kind.part().filter(|part| *part != shape.kind) {
                return Err(parse_error(format!("Expected {} in {}", part.name(), kind.name()), self.position));
            }
            shapes.push(shape);
        }
        Ok(shapes)
    }

    fn line(&mut self, dimensions: u32, order: Order) -> SparkResult<Points> {
        let start = self.position;
        let count = self.count("LineString points", width(dimensions) * 8, order)?;
        if count == 1 {
            return Err(parse_error("Too few points in linestring", start));
        }
        self.points(count, dimensions, order, false)
    }

    fn ring(&mut self, dimensions: u32, order: Order) -> SparkResult<Points> {
        let start = self.position;
        let count = self.count("ring points", width(dimensions) * 8, order)?;
        if count < RING_POINTS_MIN {
            return Err(parse_error("Too few points in ring", start));
        }
        let points = self.points(count, dimensions, order, false)?;
        if points[..2] != points[points.len() - width(dimensions)..][..2] {
            return Err(parse_error("Ring is not closed", start));
        }
        Ok(points)
    }

    /// A number of things of at least so many bytes each.
    fn count(&mut self, what: &str, bytes_each: usize, order: Order) -> SparkResult<usize> {
        let start = self.position;
        let count = self.integer(order)?;
        if i32::try_from(count).is_err() {
            return Err(parse_error(format!("Invalid count for {what}: {}", count as i32), start));
        }
        let count = count as usize;
        if count.saturating_mul(bytes_each) > self.bytes.len() - self.position {
            return Err(parse_error(format!("Invalid count for {what}: exceeds remaining bytes"), start));
        }
        Ok(count)
    }

    /// Points; a single one may have no place, which NaN stands for.
    fn points(&mut self, count: usize, dimensions: u32, order: Order, may_be_empty: bool) -> SparkResult<Points> {
        let width = width(dimensions);
        let mut points = Vec::with_capacity(count * width);
        for _ in 0..count {
            let start = self.position;
            for axis in 0..width {
                let value = self.double(order)?;
                let valid = (value.is_finite() && self.is_on_earth(axis, value)) || (may_be_empty && value.is_nan());
                if !valid {
                    return Err(parse_error("Invalid coordinate value found", start));
                }
                points.push(value);
            }
        }
        Ok(points)
    }

    /// Longitudes and latitudes have bounds.
    fn is_on_earth(&self, axis: usize, value: f64) -> bool {
        match axis {
            0 if self.on_earth => value.abs() <= 180.0,
            1 if self.on_earth => value.abs() <= 90.0,
            _ => true,
        }
    }

    fn integer(&mut self, order: Order) -> SparkResult<u32> {
        self.take().map(|bytes| order.integer(bytes))
    }

    fn double(&mut self, order: Order) -> SparkResult<f64> {
        self.take().map(|bytes| order.double(bytes))
    }

    fn take<const N: usize>(&mut self) -> SparkResult<[u8; N]> {
        let taken = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<N>());
        let taken = taken.ok_or_else(|| parse_error("Unexpected end of WKB buffer", self.position))?;
        self.position += N;
        Ok(*taken)
    }
}
