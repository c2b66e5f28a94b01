//! `self.?field`: absent is none, not an error.
//!
//! The interpreter fails on an optional selection of a field that is absent; an optional index
//! with the field's name it evaluates as the language says. So the one is rewritten to the other.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::operators::{OPT_INDEX, OPT_SELECT};
use kube_cel::cel::common::ast::{EntryExpr, Expr};

/// Rewrites every optional selection of an expression.
pub(super) fn mend(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            if call.func_name == OPT_SELECT {
                call.func_name = OPT_INDEX.to_owned();
            }
            call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(mend);
        }
        Expr::Select(select) => mend(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(mend),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    mend(&mut entry.key);
                    mend(&mut entry.value);
                }
            }
        }
        Expr::Comprehension(c) => {
            for part in [
                &mut c.iter_range,
                &mut c.accu_init,
                &mut c.loop_cond,
                &mut c.loop_step,
                &mut c.result,
            ] {
                mend(part);
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}
