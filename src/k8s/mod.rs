//! Words of Kubernetes: group/version/kind, references, objects as they were read, labels and
//! selectors, names.

mod gvk;
mod label;
pub(crate) mod merge_keys;
mod name;
mod object;
mod object_ref;
mod target_ref;

pub use gvk::GroupVersionKind;
pub use label::{LabelSelector, Labels, Requirement, SelectorOperator};
pub use name::{
    is_annotation_key, is_dns_label, is_dns_subdomain, is_label_key, is_label_value, is_server_name,
};
pub use object::{Object, objects_of};
pub use object_ref::ObjectRef;
pub use target_ref::TargetRef;
