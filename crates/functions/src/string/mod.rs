//! Texts and binary values, and URLs.

mod edit;
mod encoding;
mod format;
mod join;
mod like;
mod number_format;
mod part;
pub(crate) mod pattern;
mod printf;
mod regex;
pub(crate) mod rows;
mod size;
mod url;
mod words;

pub use pattern::java_regex;

use std::sync::Arc;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("ascii", size::ascii),
        Function::scalar("bit_length", size::bit_length),
        Function::scalar("octet_length", size::octet_length),
        Function::scalar("char_length", size::char_length),
        Function::scalar("character_length", size::char_length),
        Function::scalar("len", size::char_length),
        Function::scalar("length", size::char_length),
        Function::scalar("instr", size::instr),
        Function::scalar("locate", size::locate),
        Function::scalar("position", size::locate),
        Function::scalar("find_in_set", size::find_in_set),
        Function::scalar("levenshtein", size::levenshtein),
        Function::scalar("substr", part::substring),
        Function::scalar("substring", part::substring),
        Function::scalar("left", part::left),
        Function::scalar("right", part::right),
        Function::scalar("substring_index", part::substring_index),
        Function::scalar("split_part", part::split_part),
        Function::scalar("overlay", part::overlay),
        Function::scalar("upper", edit::upper),
        Function::scalar("ucase", edit::upper),
        Function::scalar("lower", edit::lower),
        Function::scalar("lcase", edit::lower),
        Function::scalar("initcap", edit::initcap),
        Function::scalar("reverse", edit::reverse),
        Function::scalar("trim", edit::trim),
        Function::scalar("ltrim", edit::ltrim),
        Function::scalar("rtrim", edit::rtrim),
        Function::scalar("btrim", edit::btrim),
        Function::scalar("char", edit::char),
        Function::scalar("chr", edit::char),
        Function::scalar("space", edit::space),
        Function::scalar("repeat", edit::repeat),
        Function::scalar("replace", edit::replace),
        Function::scalar("translate", edit::translate),
        Function::scalar("lpad", edit::lpad),
        Function::scalar("rpad", edit::rpad),
        Function::scalar("collation", edit::collation),
        Function::scalar("collate", edit::collate),
        Function::scalar("concat", join::concat),
        Function::scalar("||", join::concat),
        Function::scalar("concat_ws", join::concat_ws),
        Function::scalar("elt", join::elt),
        Function::scalar("base64", encoding::base64),
        Function::scalar("unbase64", encoding::unbase64),
        Function::scalar("encode", encoding::encode),
        Function::scalar("decode", encoding::decode),
        Function::scalar("to_binary", encoding::to_binary),
        Function::scalar("try_to_binary", encoding::to_binary),
        Function::scalar("is_valid_utf8", encoding::is_valid_utf8),
        Function::scalar("make_valid_utf8", encoding::make_valid_utf8),
        Function::scalar("validate_utf8", encoding::validate_utf8),
        Function::scalar("try_validate_utf8", encoding::validate_utf8),
        Function::scalar("contains", like::contains),
        Function::scalar("startswith", like::starts_with),
        Function::scalar("endswith", like::ends_with),
        Function::scalar("like", like::like),
        Function::scalar("ilike", like::ilike),
        Function::scalar("like_all", like::quantified),
        Function::scalar("like_any", like::quantified),
        Function::scalar("not_like_all", like::quantified),
        Function::scalar("not_like_any", like::quantified),
        Function::scalar("rlike", regex::rlike),
        Function::scalar("regexp", regex::rlike),
        Function::scalar("regexp_like", regex::rlike),
        Function::scalar("regexp_count", regex::count),
        Function::scalar("regexp_extract", regex::extract),
        Function::scalar("regexp_extract_all", regex::extract_all),
        Function::scalar("regexp_instr", regex::instr),
        Function::scalar("regexp_replace", regex::replace),
        Function::scalar("regexp_substr", regex::substr),
        Function::scalar("split", regex::split),
        Function::scalar("format_number", format::format_number),
        Function::scalar("format_string", printf::format_string),
        Function::scalar("printf", printf::format_string),
        Function::scalar("to_char", number_format::to_char),
        Function::scalar("to_varchar", number_format::to_char),
        Function::scalar("to_number", number_format::to_number),
        Function::scalar("try_to_number", number_format::to_number),
        Function::scalar("mask", words::mask),
        Function::scalar("quote", words::quote),
        Function::scalar("soundex", words::soundex),
        Function::scalar("luhn_check", words::luhn_check),
        Function::scalar("sentences", words::sentences),
        Function::scalar("url_encode", url::encode),
        Function::scalar("url_decode", url::decode),
        Function::scalar("try_url_decode", url::decode),
        Function::scalar("parse_url", url::parse),
        Function::scalar("try_parse_url", url::parse),
    ],
    implementations: || {
        let renamed = [&encoding::IS_VALID_UTF8, &encoding::MAKE_VALID_UTF8, &words::SOUNDEX, &words::LUHN_CHECK];
        let own = [
            size::implementations(),
            part::implementations(),
            edit::implementations(),
            join::implementations(),
            encoding::implementations(),
            like::implementations(),
            regex::implementations(),
            format::implementations(),
            number_format::implementations(),
            printf::implementations(),
            words::implementations(),
            url::implementations(),
        ];
        let scalar = own.concat().into_iter().chain(renamed.map(|function| Arc::clone(function))).collect();
        Implementations { scalar, ..Implementations::default() }
    },
};
