//! The style sheet, and the heads of arrows.

use std::fmt::Write as _;

use crate::cli::graph::look::{self, Colours, look};

/// Filled for parents, open for dependencies.
pub const MARKERS: &str = "<defs>\n\
    <marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\"><path class=\"arrow\" d=\"M0 0L10 5L0 10z\"/></marker>\n\
    <marker id=\"open\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\"><path class=\"open\" d=\"M1 1L9 5L1 9\"/></marker>\n\
    </defs>\n";

const SHAPES: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
.id{font:600 13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}
.word,.tag{font-size:11px}
.box{stroke-width:1.3}
.current .box{stroke-width:3}
.pending .box{stroke-dasharray:6 3}
.missing .box{stroke-dasharray:1.5 3}
.sign{stroke-width:1.8}
.edge{fill:none;stroke-width:1.6}
.dependency{fill:none;stroke-width:1.6;stroke-dasharray:6 4}
.open{fill:none;stroke-width:1.8}
.pill{stroke-width:1}
";

/// Colours that do not depend on a standing.
struct Scheme {
    page: &'static str,
    text: &'static str,
    faint: &'static str,
    edge: &'static str,
    dependency: &'static str,
    of: fn(look::Look) -> Colours,
}

const LIGHT: Scheme = Scheme {
    page: "#ffffff",
    text: "#1b2430",
    faint: "#4b5868",
    edge: "#66758a",
    dependency: "#8a3fa8",
    of: |look| look.light,
};

const DARK: Scheme = Scheme {
    page: "#0d1420",
    text: "#e8eef5",
    faint: "#aab7c6",
    edge: "#8c9cb0",
    dependency: "#d59bea",
    of: |look| look.dark,
};

/// The whole sheet.
pub fn sheet() -> String {
    format!("{SHAPES}{}@media (prefers-color-scheme:dark){{\n{}}}\n", colours(&LIGHT), colours(&DARK))
}

fn colours(scheme: &Scheme) -> String {
    let Scheme { page, text, faint, edge, dependency, of } = scheme;
    let mut sheet = format!(
        ".page{{fill:{page}}}text{{fill:{text}}}.word,.note{{fill:{faint}}}\n\
         .edge{{stroke:{edge}}}.arrow{{fill:{edge}}}.dependency,.open{{stroke:{dependency}}}\n\
         .pill{{fill:{page};stroke:{faint}}}.pill.place{{fill:{text};stroke:{text}}}.tag.place{{fill:{page}}}\n"
    );
    for standing in look::ALL {
        let name = look(standing).name;
        let Colours { fill, stroke } = of(look(standing));
        let _ = writeln!(
            sheet,
            ".{name} .box{{fill:{fill};stroke:{stroke}}}.{name} .sign{{stroke:{stroke};fill:{stroke}}}.{name} .hollow{{fill:{fill}}}"
        );
    }
    sheet
}
