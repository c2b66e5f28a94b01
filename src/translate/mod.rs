//! Stages into objects.

pub mod tenancy;
