//! What was measured, as tables and as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::measure::{Figure, median};
use crate::regime::Regime;
use crate::rings::Role;
use crate::scenarios::{Row, Unit};

/// One measurement.
pub(crate) struct Sample {
    /// Which row of the scenarios.
    pub(crate) row: usize,
    pub(crate) pass: usize,
    pub(crate) figure: Figure,
    /// The bare round trips before and after, where two processors took part.
    pub(crate) brackets: Option<[f64; 2]>,
}

impl Sample {
    /// The table it belongs in; `None` when it is not to be trusted: a thread was kept from running, or the
    /// brackets disagree.
    fn regime(&self) -> Option<Regime> {
        match self.brackets {
            _ if !self.figure.undisturbed => None,
            None => Some(Regime::Alone),
            Some([before, after]) => Regime::between(before, after),
        }
    }
}

/// One line of a table.
struct Line<'r> {
    row: &'r Row,
    median: f64,
    least: f64,
    most: f64,
    /// The median part of the items that was missed.
    missed: f64,
    count: usize,
}

/// Prints a table for each scenario and regime.
pub(crate) fn print(rows: &[Row], samples: &[Sample], out: &mut impl Write) -> io::Result<()> {
    let mut tables: Vec<(&str, BTreeMap<Regime, Vec<Line<'_>>>)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if tables.last().is_none_or(|(scenario, _)| *scenario != row.scenario) {
            tables.push((&row.scenario, BTreeMap::new()));
        }
        let Some((_, regimes)) = tables.last_mut() else { continue };
        for regime in [Regime::Alone, Regime::Near, Regime::Far] {
            let figures = || {
                let here = |sample: &&Sample| sample.row == index && sample.regime() == Some(regime);
                samples.iter().filter(here).map(|sample| sample.figure)
            };
            let mut values: Vec<f64> = figures().map(|figure| figure.value).collect();
            if !values.is_empty() {
                // Sorts, too.
                let median = median(&mut values);
                let (least, most) = (values[0], values[values.len() - 1]);
                let missed = self::median(&mut figures().map(|figure| figure.missed).collect::<Vec<_>>());
                let line = Line { row, median, least, most, missed, count: values.len() };
                regimes.entry(regime).or_default().push(line);
            }
        }
    }
    for (scenario, regimes) in &mut tables {
        for (regime, lines) in regimes {
            table(scenario, *regime, lines, out)?;
        }
    }
    let disturbed = samples.iter().filter(|sample| !sample.figure.undisturbed).count();
    let mixed = samples.iter().filter(|sample| sample.regime().is_none()).count() - disturbed;
    writeln!(
        out,
        "Of {} measurements, {disturbed} were dropped because a thread had to wait for its processor, {mixed} \
         because the brackets disagree.",
        samples.len()
    )
}

fn table(scenario: &str, regime: Regime, lines: &mut [Line<'_>], out: &mut impl Write) -> io::Result<()> {
    let unit = lines.first().map_or(Unit::Rate, |line| line.row.unit);
    // Best first.
    lines.sort_by(|a, b| match unit {
        Unit::Rate => b.median.total_cmp(&a.median),
        Unit::Time => a.median.total_cmp(&b.median),
    });
    let best = lines.iter().find(|line| line.row.role == Role::Peer).map(|line| line.median);
    let measure = match unit {
        Unit::Rate => "Mops/s",
        Unit::Time => "ns",
    };
    writeln!(out, "### {scenario} — {regime}, {measure}\n")?;
    // Only where a writer overwrites what has not been read.
    let some_missed = lines.iter().any(|line| line.missed > 0.0);
    let (title, rule) = if some_missed { (" missed |", "---:|") } else { ("", "") };
    writeln!(out, "| implementation | median | min | max | best peer = 1, more is better | n |{title}")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|{rule}")?;
    for line in lines {
        let mark = match line.row.role {
            Role::Ours => "**",
            Role::Peer => "",
            Role::Reference => "*",
        };
        let ratio = match (best, unit) {
            (None, _) => "".into(),
            (Some(best), Unit::Rate) => format!("{:.2}", line.median / best),
            (Some(best), Unit::Time) => format!("{:.2}", best / line.median),
        };
        let missed = if some_missed { format!(" {:.1} % |", line.missed * 100.0) } else { String::new() };
        writeln!(
            out,
            "| {mark}{}{mark} | {} | {} | {} | {ratio} | {} |{missed}",
            line.row.name,
            digits(line.median),
            digits(line.least),
            digits(line.most),
            line.count
        )?;
    }
    writeln!(out)
}

/// Three figures or so.
fn digits(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Writes every measurement, the dropped ones included: one JSON object to a line.
pub(crate) fn json(rows: &[Row], samples: &[Sample], out: &mut impl Write) -> io::Result<()> {
    for sample in samples {
        let row = &rows[sample.row];
        let unit = match row.unit {
            Unit::Rate => "Mops/s",
            Unit::Time => "ns",
        };
        let brackets =
            sample.brackets.map_or("null".into(), |[before, after]| format!("[{before:.1},{after:.1}]"));
        // Names are plain ASCII without quotes, so that `{:?}` is JSON.
        writeln!(
            out,
            r#"{{"pass":{},"scenario":{:?},"implementation":{:?},"unit":{unit:?},"value":{:.4},"items":{},"undisturbed":{},"missed":{:.4},"brackets":{brackets}}}"#,
            sample.pass,
            row.scenario,
            row.name,
            sample.figure.value,
            sample.figure.items,
            sample.figure.undisturbed,
            sample.figure.missed
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Figure, Sample, json, print};
    use crate::rings::Role;
    use crate::scenarios::{Row, Unit};

    fn row(name: &str, role: Role, unit: Unit) -> Row {
        Row { scenario: "s".into(), name: name.into(), role, unit, two: true, run: Box::new(|_| figure(0.0)) }
    }

    fn figure(value: f64) -> Figure {
        Figure { value, items: 1, undisturbed: true, missed: 0.0 }
    }

    fn sample(row: usize, value: f64, brackets: [f64; 2]) -> Sample {
        Sample { row, pass: 0, figure: figure(value), brackets: Some(brackets) }
    }

    #[test]
    fn regimes_are_kept_apart_and_ratios_are_to_the_best_peer() {
        let rows = [
            row("ours", Role::Ours, Unit::Time),
            row("slow", Role::Peer, Unit::Time),
            row("good", Role::Peer, Unit::Time),
            row("floor", Role::Reference, Unit::Time),
        ];
        let (near, far) = ([100.0, 100.0], [500.0, 500.0]);
        let mut disturbed = sample(0, 777.0, near);
        disturbed.figure.undisturbed = false;
        let samples = [
            disturbed,
            sample(0, 50.0, near),
            sample(0, 150.0, near),
            sample(0, 999.0, [100.0, 500.0]),
            sample(1, 400.0, near),
            sample(2, 200.0, near),
            sample(3, 50.0, near),
            sample(2, 800.0, far),
        ];
        let mut out = Vec::new();
        print(&rows, &samples, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("| **ours** | 100 | 50.0 | 150 | 2.00 | 2 |"), "{out}");
        assert!(out.contains("| good | 200 | 200 | 200 | 1.00 | 1 |"), "{out}");
        assert!(out.contains("| slow | 400 | 400 | 400 | 0.50 | 1 |"), "{out}");
        assert!(out.contains("| *floor* | 50.0 | 50.0 | 50.0 | 4.00 | 1 |"), "{out}");
        assert!(out.contains("| good | 800 | 800 | 800 | 1.00 | 1 |"), "{out}");
        assert!(out.contains("Of 8 measurements, 1 were dropped"), "{out}");
        assert!(out.ends_with(", 1 because the brackets disagree.\n"), "{out}");
    }

    #[test]
    fn what_was_missed_has_a_column_where_there_is_some() {
        let rows = [row("ours", Role::Ours, Unit::Rate), row("peer", Role::Peer, Unit::Rate)];
        let mut samples = [sample(0, 5.0, [100.0, 100.0]), sample(1, 10.0, [100.0, 100.0])];
        samples[0].figure.missed = 0.25;
        let mut out = Vec::new();
        print(&rows, &samples, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("| n | missed |\n|---|---:|---:|---:|---:|---:|---:|\n"), "{out}");
        assert!(out.contains("| **ours** | 5.00 | 5.00 | 5.00 | 0.50 | 1 | 25.0 % |"), "{out}");
        assert!(out.contains("| peer | 10.0 | 10.0 | 10.0 | 1.00 | 1 | 0.0 % |"), "{out}");
    }

    #[test]
    fn json_keeps_what_the_tables_drop() {
        let rows = [row("ours", Role::Ours, Unit::Rate)];
        let mut out = Vec::new();
        json(&rows, &[sample(0, 1.5, [100.0, 500.0])], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"pass":0,"scenario":"s","implementation":"ours","unit":"Mops/s","value":1.5000,"items":1,"undisturbed":true,"missed":0.0000,"brackets":[100.0,500.0]}"#
                .to_owned()
                + "\n"
        );
    }
}
