"""The content of a source at backup time, written before restic runs and backed up in the same call.

    taken = take_manifest(folder, sources)        walk, hash what is new, write `manifest.sha256` and `.jsonl`
    restic backup <taken.paths> --exclude <taken.excludes>       data and manifest in one snapshot
    changed = recheck(taken)                      walk again: what moved under our hands is named

    manifest = read_manifest(restored folder)     later, from the restored snapshot
    verify_restored(manifest, restored root)      every file hashed and compared, none sampled

`manifest.sha256` is what `sha256sum` writes, paths relative to `/`: `sha256sum -c` run in `/` checks the live
files, run in the folder that restic restored into it checks the restored ones. Its last word on the other
file: it holds the hash of `manifest.jsonl` too, so its own hash, kept in our ledger, binds both.

Nothing here calls restic, judges a backup or knows the store.
"""

from tocsin.manifest.checking import Comparison, verify_restored
from tocsin.manifest.delta import Change, Delta
from tocsin.manifest.looks import BINARY, NOISE, SEALED, SMALL, TEXT
from tocsin.manifest.reading import Manifest, read_manifest
from tocsin.manifest.sources import Source, SourceFault, examine_source
from tocsin.manifest.taking import TakenManifest, recheck, take_manifest
from tocsin.manifest.text import METADATA_NAME, TEXT_NAME, shown_path
from tocsin.model.exclusions import check_pattern

__all__ = [
    "BINARY",
    "METADATA_NAME",
    "NOISE",
    "SEALED",
    "SMALL",
    "TEXT",
    "TEXT_NAME",
    "Change",
    "Comparison",
    "Delta",
    "Manifest",
    "Source",
    "SourceFault",
    "TakenManifest",
    "check_pattern",
    "examine_source",
    "read_manifest",
    "recheck",
    "shown_path",
    "take_manifest",
    "verify_restored",
]
