//! Texts and binary values, and URLs.

mod basic;
mod concatenate;
mod pattern;
mod regex_kernels;

use crate::registry::{Family, Function, Implementations};
use crate::renamed::renamed;

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("upper", basic::one_text),
        Function::scalar("ucase", basic::one_text),
        Function::scalar("lower", basic::one_text),
        Function::scalar("lcase", basic::one_text),
        Function::scalar("initcap", basic::one_text),
        Function::scalar("ascii", basic::one_text),
        Function::scalar("soundex", basic::one_text),
        Function::scalar("quote", basic::one_text),
        Function::scalar("luhn_check", basic::one_text),
        Function::scalar("is_valid_utf8", basic::one_text),
        Function::scalar("make_valid_utf8", basic::one_text),
        Function::scalar("url_encode", basic::one_text),
        Function::scalar("url_decode", basic::one_text),
        Function::scalar("try_url_decode", basic::one_text),
        Function::scalar("reverse", basic::reverse),
        Function::scalar("length", basic::length),
        Function::scalar("len", basic::length),
        Function::scalar("char_length", basic::length),
        Function::scalar("character_length", basic::length),
        Function::scalar("octet_length", basic::octet_length),
        Function::scalar("bit_length", basic::bit_length),
        Function::scalar("char", basic::char),
        Function::scalar("chr", basic::char),
        Function::scalar("space", basic::space),
        Function::scalar("base64", basic::base64),
        Function::scalar("unbase64", basic::unbase64),
        Function::scalar("trim", basic::trim),
        Function::scalar("btrim", basic::trim),
        Function::scalar("ltrim", basic::trim),
        Function::scalar("rtrim", basic::trim),
        Function::scalar("lpad", basic::pad),
        Function::scalar("rpad", basic::pad),
        Function::scalar("left", basic::left_or_right),
        Function::scalar("right", basic::left_or_right),
        Function::scalar("repeat", basic::repeat),
        Function::scalar("replace", basic::replace),
        Function::scalar("translate", basic::three_texts),
        Function::scalar("substring_index", basic::substring_index),
        Function::scalar("split_part", basic::split_part),
        Function::scalar("substr", basic::substring),
        Function::scalar("substring", basic::substring),
        Function::scalar("instr", basic::instr),
        Function::scalar("locate", basic::locate),
        Function::scalar("position", basic::locate),
        Function::scalar("charindex", basic::locate),
        Function::scalar("find_in_set", basic::find_in_set),
        Function::scalar("levenshtein", basic::levenshtein),
        Function::scalar("overlay", basic::overlay),
        Function::scalar("contains", basic::contains),
        Function::scalar("startswith", basic::contains),
        Function::scalar("endswith", basic::contains),
        Function::scalar("concat", concatenate::concat),
        Function::scalar("||", concatenate::concat),
        Function::scalar("concat_ws", concatenate::concat_ws),
        Function::scalar("elt", concatenate::elt),
        Function::scalar("format_string", concatenate::format_string),
        Function::scalar("printf", concatenate::format_string),
        Function::scalar("parse_url", concatenate::parse_url),
        Function::scalar("try_parse_url", concatenate::parse_url),
        Function::scalar("like", pattern::like),
        Function::scalar("ilike", pattern::like),
        Function::scalar("like_all", pattern::like_many),
        Function::scalar("like_any", pattern::like_many),
        Function::scalar("not_like_all", pattern::like_many),
        Function::scalar("not_like_any", pattern::like_many),
        Function::scalar("rlike", pattern::rlike),
        Function::scalar("regexp", pattern::rlike),
        Function::scalar("regexp_like", pattern::rlike),
        Function::scalar("regexp_replace", pattern::regexp_replace),
        Function::scalar("regexp_extract", pattern::regexp_extract),
        Function::scalar("regexp_extract_all", pattern::regexp_extract),
        Function::scalar("regexp_substr", pattern::regexp_substr),
        Function::scalar("regexp_count", pattern::regexp_count),
        Function::scalar("regexp_instr", pattern::regexp_instr),
        Function::scalar("split", pattern::split),
    ],
    implementations: || Implementations {
        scalar: basic::SPARK
            .iter()
            .chain(concatenate::SPARK)
            .map(|function| renamed(function()))
            .chain(regex_kernels::all())
            .collect(),
        ..Implementations::default()
    },
};
