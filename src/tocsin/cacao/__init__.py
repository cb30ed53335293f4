"""CACAO 2.0, the OASIS standard for security playbooks: read, judged, imported and written.

`reading` takes bytes apart, `rules` and `graph` judge them, `importing` makes a playbook of ours from a document
and `exporting` a document from a playbook. `filing` alone touches the workspace.
"""
