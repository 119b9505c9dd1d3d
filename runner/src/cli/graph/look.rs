//! What a revision's standing looks like: signs and colours that all pictures
//! share.
//!
//! No two standings differ in colour alone: each has a sign, a border and its
//! word beside it. The colours stay apart for colour-blind people too (they are
//! Okabe and Ito's, darkened for borders).

use runner::run::Standing;

/// Colours for one background.
#[derive(Clone, Copy, Debug)]
pub struct Colours {
    /// The inside of a box.
    pub fill: &'static str,
    /// Its border, and the sign.
    pub stroke: &'static str,
}

/// What a standing looks like.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its word; `revision` where no database was asked.
    pub name: &'static str,
    /// One character, for text.
    pub sign: &'static str,
    /// On a light background.
    pub light: Colours,
    /// On a dark background.
    pub dark: Colours,
}

/// All looks, in the order of a legend.
pub const ALL: [Option<Standing>; 5] = [
    None,
    Some(Standing::Applied),
    Some(Standing::Pending),
    Some(Standing::Changed),
    Some(Standing::Missing),
];

/// What a revision that stands so looks like.
pub const fn look(standing: Option<Standing>) -> Look {
    match standing {
        None => Look {
            name: "revision",
            sign: "*",
            light: Colours { fill: "#f3f5f8", stroke: "#56657a" },
            dark: Colours { fill: "#1c2531", stroke: "#94a5bb" },
        },
        Some(Standing::Applied) => Look {
            name: "applied",
            sign: "●",
            light: Colours { fill: "#e2f4ed", stroke: "#00765a" },
            dark: Colours { fill: "#0e332a", stroke: "#40cfa0" },
        },
        Some(Standing::Pending) => Look {
            name: "pending",
            sign: "○",
            light: Colours { fill: "#ffffff", stroke: "#0b62a4" },
            dark: Colours { fill: "#111a26", stroke: "#6cb8f0" },
        },
        Some(Standing::Changed) => Look {
            name: "changed",
            sign: "◆",
            light: Colours { fill: "#fdf0d2", stroke: "#a86400" },
            dark: Colours { fill: "#3a2a08", stroke: "#f3b13f" },
        },
        Some(Standing::Missing) => Look {
            name: "missing",
            sign: "✕",
            light: Colours { fill: "#fde5dc", stroke: "#bf3c00" },
            dark: Colours { fill: "#3e1a0d", stroke: "#ff8d60" },
        },
    }
}
