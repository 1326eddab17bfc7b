//! Finds the scans of a file, and which coding procedure each of them uses.

use crate::Declined;
use crate::jpeg::Head;
use crate::jpeg::header::{Content, Frame, HuffmanTables, Scan, ScanComponent};
use crate::jpeg::huffman::{Leaps, Table};
use crate::jpeg::segments::{DQT, DRI, Segment, Segments, coded_end};

/// Encoders write about ten.
const MAX_SCANS: usize = 200;

/// One scan, with the segments before it and the tables that it is coded with.
pub(super) struct CodedScan {
    pub before: Vec<Segment>,
    pub start: Segment,
    pub scan: Scan,
    pub procedure: Procedure,
    pub tables: HuffmanTables,
    pub leaps: [Option<Box<Leaps>>; 4],
    pub restart_interval: usize,
}

/// The coding procedures: F.1.2 for sequential scans, G.1.2 for the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Procedure {
    Sequential,
    DcFirst,
    DcRefine,
    AcFirst,
    AcRefine,
}

impl Procedure {
    fn of(frame: &Frame, scan: &Scan) -> Result<Self, Declined> {
        let Scan { ss, se, ah, al, .. } = *scan;
        if !frame.is_progressive {
            let is_whole = (ss, se, ah, al) == (0, 63, 0, 0);
            return if is_whole { Ok(Self::Sequential) } else { Err(Declined::Damaged) };
        }
        let is_one_bit = ah == 0 || ah == al + 1;
        let is_ac_band = ss > 0 && ss <= se && se < 64 && scan.components.len() == 1;
        match (ss == 0 && se == 0, is_ac_band, ah) {
            _ if !is_one_bit || al > 13 => Err(Declined::Damaged),
            (true, _, 0) => Ok(Self::DcFirst),
            (true, _, _) => Ok(Self::DcRefine),
            (_, true, 0) => Ok(Self::AcFirst),
            (_, true, _) => Ok(Self::AcRefine),
            _ => Err(Declined::Damaged),
        }
    }
}

impl CodedScan {
    /// Whether some of this scan's coefficients are in `other` too.
    pub fn builds_on(&self, other: &Self) -> bool {
        let (one, two) = (&self.scan, &other.scan);
        let is_shared = one
            .components
            .iter()
            .any(|part| two.components.iter().any(|other| other.component == part.component));
        is_shared && one.ss <= two.se && two.ss <= one.se
    }

    /// Writes those of `tables` that the scan uses.
    pub fn write_tables(&self, tables: &HuffmanTables, bytes: &mut Vec<u8>) {
        let mut used = HuffmanTables::default();
        for &ScanComponent { dc, ac, .. } in &self.scan.components {
            for (is_ac, number) in [(false, dc), (true, ac)] {
                let is_used = match self.procedure {
                    Procedure::Sequential => true,
                    Procedure::DcFirst => !is_ac,
                    Procedure::AcFirst | Procedure::AcRefine => is_ac,
                    Procedure::DcRefine => false,
                };
                if let (true, Some(table)) = (is_used, used.get_mut((is_ac, number))) {
                    *table = tables.get((is_ac, number)).cloned();
                }
            }
        }
        if used.dc.iter().chain(&used.ac).any(Option::is_some) {
            used.write(bytes);
        }
    }
}

/// Finds all scans, from the first one on, and where the picture ends.
pub(super) fn find(
    head: &Head,
    mut start: Segment,
    mut scan: Scan,
    frame: &Frame,
) -> Result<(Vec<CodedScan>, usize), Declined> {
    let mut header = head.header.clone();
    let mut scans: Vec<CodedScan> = Vec::new();
    let mut before = Vec::new();
    let mut coded = [[None; 64]; 3];
    loop {
        if scans.len() == MAX_SCANS {
            return Err(Declined::Scans);
        }
        let procedure = Procedure::of(frame, &scan)?;
        check_progression(&scan, &mut coded)?;
        let leaps = |table: &Option<Table>| table.as_ref().map(Table::leaps);
        scans.push(CodedScan {
            before: std::mem::take(&mut before),
            start,
            scan,
            procedure,
            leaps: match procedure {
                Procedure::Sequential => header.tables.huffman.ac.each_ref().map(leaps),
                _ => [const { None }; 4],
            },
            tables: header.tables.huffman.clone(),
            restart_interval: header.tables.restart_interval,
        });
        let mut source = Segments { data: head.data, at: scan_end(head.data, start.end)? };
        (start, scan) = loop {
            let segment = source.next()?;
            match header.read(head.data, segment)? {
                Content::Scan(scan) => break (segment, scan),
                Content::End => return Ok((scans, segment.end)),
                Content::Other if segment.marker == DQT => return Err(Declined::Scans),
                Content::Other if segment.marker == DRI => before.push(segment),
                Content::Other => {}
            }
        };
    }
}

/// Checks that each coefficient is coded once and then refined bit by bit (G.1.1.1.2). `coded`
/// holds the point transform Al up to which each is known. Decoders show something for any other
/// progression, but the final values don't say how to write it.
fn check_progression(scan: &Scan, coded: &mut [[Option<u8>; 64]; 3]) -> Result<(), Declined> {
    let expected = (scan.ah > 0).then_some(scan.ah);
    for part in &scan.components {
        for al in &mut coded[part.component][scan.ss..=scan.se] {
            if *al != expected {
                return Err(Declined::Scans);
            }
            *al = Some(scan.al);
        }
    }
    Ok(())
}

/// Where a scan's entropy-coded data ends, behind all its restart intervals.
fn scan_end(data: &[u8], mut at: usize) -> Result<usize, Declined> {
    loop {
        let (end, marker, next) = coded_end(data, at)?;
        if !(0xD0..=0xD7).contains(&marker) {
            return Ok(end);
        }
        at = next;
    }
}

/// The coefficients of a band: bits Ss to Se.
pub(super) fn band(ss: usize, se: usize) -> u64 {
    (u64::MAX << ss) & (u64::MAX >> (63 - se))
}
