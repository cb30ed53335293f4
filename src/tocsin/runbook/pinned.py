"""The playbook a run was started with: read from the run itself, whatever has become of the file since."""

from functools import lru_cache

from tocsin.model.wording import load_model
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.language import Playbook, model_of


@lru_cache(maxsize=256)
def pinned_playbook(text: str, name: str) -> Playbook:
    """Return a playbook that was checked whole when its run began; only its form is read again."""
    document = parse_yaml(text, name)
    return load_model(model_of(document.data), document)
