//! Arrays, maps, structs, higher-order functions and generators.

mod coercion;
mod edit;
mod extract;
mod generator;
mod join;
mod keys;
mod lambda;
mod lists;
mod maps;
mod order;
mod search;
mod sequence;
mod sets;
mod shape;
mod structs;

pub(crate) use edit::{concat_arrays, reverse_array};
pub use lambda::lambda_parameters;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("array", edit::array),
        Function::scalar("array_append", edit::append),
        Function::scalar("array_prepend", edit::prepend),
        Function::scalar("array_insert", edit::insert),
        Function::scalar("array_remove", edit::remove),
        Function::scalar("array_compact", edit::compact),
        Function::scalar("flatten", edit::flatten),
        Function::scalar("slice", edit::slice),
        Function::scalar("array_repeat", edit::repeat),
        Function::scalar("shuffle", edit::shuffle),
        Function::scalar("array_distinct", sets::distinct),
        Function::scalar("array_union", sets::union),
        Function::scalar("array_intersect", sets::intersect),
        Function::scalar("array_except", sets::except),
        Function::scalar("array_join", join::join),
        Function::scalar("arrays_zip", join::zip),
        Function::scalar("size", search::size),
        Function::scalar("cardinality", search::size),
        Function::scalar("array_size", search::array_size),
        Function::scalar("array_contains", search::contains),
        Function::scalar("array_position", search::position),
        Function::scalar("arrays_overlap", search::overlap),
        Function::scalar("array_min", search::min),
        Function::scalar("array_max", search::max),
        Function::scalar("sort_array", order::sort_array),
        Function::scalar("sequence", sequence::sequence),
        Function::scalar("extract_value", extract::extract_value),
        Function::scalar("element_at", extract::element_at),
        Function::scalar("try_element_at", extract::try_element_at),
        Function::scalar("get", extract::get),
        Function::scalar("struct", structs::structure),
        Function::scalar("named_struct", structs::named_struct),
        Function::scalar("with_field", structs::with_field),
        Function::scalar("drop_field", structs::drop_field),
        Function::scalar("map", maps::map),
        Function::scalar("map_concat", maps::concat),
        Function::scalar("map_contains_key", maps::contains_key),
        Function::scalar("map_entries", maps::entries),
        Function::scalar("map_keys", maps::keys),
        Function::scalar("map_values", maps::values),
        Function::scalar("map_from_arrays", maps::from_arrays),
        Function::scalar("map_from_entries", maps::from_entries),
        Function::scalar("str_to_map", maps::from_text),
        Function::scalar("transform", lambda::transform),
        Function::scalar("filter", lambda::filter),
        Function::scalar("exists", lambda::exists),
        Function::scalar("forall", lambda::for_all),
        Function::scalar("aggregate", lambda::aggregate),
        Function::scalar("reduce", lambda::aggregate),
        Function::scalar("zip_with", lambda::zip_with),
        Function::scalar("array_sort", lambda::array_sort),
        Function::scalar("transform_keys", lambda::transform_keys),
        Function::scalar("transform_values", lambda::transform_values),
        Function::scalar("map_filter", lambda::map_filter),
        Function::scalar("map_zip_with", lambda::map_zip_with),
        Function::generator("explode", generator::explode),
        Function::generator("explode_outer", generator::explode_outer),
        Function::generator("posexplode", generator::posexplode),
        Function::generator("posexplode_outer", generator::posexplode_outer),
        Function::generator("inline", generator::inline),
        Function::generator("inline_outer", generator::inline_outer),
        Function::generator("stack", generator::stack),
    ],
    implementations: || Implementations {
        scalar: [
            edit::implementations(),
            extract::implementations(),
            generator::implementations(),
            join::implementations(),
            maps::implementations(),
            order::implementations(),
            search::implementations(),
            sequence::implementations(),
            sets::implementations(),
            structs::implementations(),
        ]
        .concat(),
        higher_order: lambda::implementations(),
        ..Implementations::default()
    },
};
