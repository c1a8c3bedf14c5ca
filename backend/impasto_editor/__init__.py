"""What all editors share: choices, texts, the preview, status, settings. Needs `impasto_link` and nothing else.

It is put beside the link into each plug-in, so it runs in the Python of the editor and knows no toolkit. HOST.md says
what an editor's own part has to do.
"""
