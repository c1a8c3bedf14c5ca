"""What OpenAPI is told of requests, made from the parameters."""

from __future__ import annotations

from typing import Any

from impasto.web.orders import FILES, properties
from impasto.web.uploads import PICTURE

_FILE = {"type": "string", "format": "binary"}
_ADDRESS = {"type": "string", "format": "uri"}
_TEXTS = {
    "image": "The picture.",
    "mask": "White where the subject is, instead of finding it; of any size.",
    "selection": "White where the result may show at most; of any size.",
}


def describe(operation: str) -> dict[str, Any]:
    """The body of a request: a form with files, or a JSON object with addresses."""
    fields = properties(operation)
    form: dict[str, Any] = {kind: {**_FILE, "description": _TEXTS[kind]} for kind in FILES[operation]}
    json: dict[str, Any] = {kind: {**_ADDRESS, "description": _TEXTS[kind]} for kind in FILES[operation]}
    if operation == "stylize":
        named = "Pictures as styles, each by the name of its file without its ending."
        form[PICTURE] = {"type": "array", "items": _FILE, "description": named}
        by_name = "Addresses of pictures as styles, by the names that style and coats have for them."
        json["pictures"] = {"type": "object", "additionalProperties": _ADDRESS, "description": by_name}
    content = {
        media_type: {
            "schema": {
                "type": "object",
                "title": f"{operation.title()} by {word}",
                "required": ["image"],
                "properties": body,
                "additionalProperties": False,
            }
        }
        for media_type, word, body in (
            ("multipart/form-data", "form", {**form, **fields}),
            ("application/json", "addresses", {**json, **fields}),
        )
    }
    return {"requestBody": {"required": True, "content": content}}
