"""What OpenAPI says is what is so."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from impasto.web.orders import PARAMETERS, order_of, values_of_form
from impasto_link.coats import Coat, StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.options import RefineOptions, StylizeOptions


@pytest.fixture
def described(http: httpx.Client) -> dict[str, Any]:
    told: dict[str, Any] = http.get("/openapi.json").json()
    return told


def test_each_endpoint_says_with_which_problems_it_may_answer(described: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    assert set(described["components"]["schemas"]["Problem"]["required"]) >= {"title", "status", "detail", "code"}
    assert "itemSchema" not in json.dumps(described)  # which is OpenAPI 3.2, where 3.1 is claimed
    seen = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            expected = {"401", "403"}
            if "{" in path:
                expected |= {"404", "422"}
            if "{job_id}" in path:
                expected |= {"410"}
            if method == "post":
                expected |= {"400", "408", "413", "415", "422", "429", "503"}
            assert expected <= answers.keys(), path
            for status in answers.keys() - {"200", "202", "204"}:
                assert answers[status]["content"]["application/problem+json"]["schema"] == problem, (path, status)
            assert operation["description"], path
            seen += 1
    assert seen == 12


def test_requests_are_described_by_the_parameters(described: dict[str, Any], http: httpx.Client) -> None:
    for operation, known in PARAMETERS.items():
        content = described["paths"][f"/v1/{operation}"]["post"]["requestBody"]["content"]
        assert set(content) == {"multipart/form-data", "application/json"}
        for body in content.values():
            assert known.keys() < body["schema"]["properties"].keys()
            assert body["schema"]["required"] == ["image"]
    strength = content_of(described, "stylize")["strength"]
    assert (strength["type"], strength["minimum"], strength["maximum"], strength["default"]) == ("number", 0, 1, 1)
    told = http.get("/v1/options").json()
    assert {one["name"] for one in told["stylize"]} == {"refine", *PARAMETERS["stylize"]}
    area = next(one for one in told["stylize"] if one["name"] == "area")
    assert [one["value"] for one in area["choices"]] == ["everything", "subject", "background"]


def content_of(described: dict[str, Any], operation: str) -> dict[str, Any]:
    content = described["paths"][f"/v1/{operation}"]["post"]["requestBody"]["content"]
    properties: dict[str, Any] = content["multipart/form-data"]["schema"]["properties"]
    return properties


def test_nothing_is_loaded_from_elsewhere(http: httpx.Client) -> None:
    assert http.get("/docs").status_code == 404
    assert http.get("/redoc").status_code == 404
    assert http.post("/v1/styles").status_code == 405
    assert http.post("/v1/styles").headers["content-type"] == "application/problem+json"


def test_styles_have_pictures(http: httpx.Client) -> None:
    styles = http.get("/v1/styles").json()["styles"]
    udnie = next(one for one in styles if one["name"] == "udnie")
    picture = http.get(udnie["thumbnail"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8\xff")
    for name in ("none", "..%2f..%2fetc%2fpasswd", "%2e%2e"):
        assert http.get(f"/v1/styles/{name}/thumbnail").status_code == 404


def test_forms_and_json_mean_the_same() -> None:
    fields = [
        ("style", "udnie:2"),
        ("style", "mine"),
        ("strength", "0.5"),
        ("keep_colors", "true"),
        ("refine", "12"),
        ("refine_layer_weights", "1,2"),
        ("settings", '{"drip": 3}'),
        ("background_style", ""),
        ("format", "jpg"),
    ]
    by_form = order_of("stylize", values_of_form(fields), ["mine"])
    by_json = order_of(
        "stylize",
        {
            "style": ["udnie:2", "mine"],
            "strength": 0.5,
            "keep_colors": True,
            "refine": 12,
            "refine_layer_weights": [1, 2],
            "settings": {"drip": 3},
            "format": "jpg",
        },
        ["mine"],
    )
    assert by_form == by_json
    assert by_form.options == StylizeOptions(
        (StyleChoice("udnie", 2.0, "library"), StyleChoice("mine", 1.0, "frame")),
        strength=0.5,
        keep_colors=True,
        refine=RefineOptions(iterations=12, layer_weights=(1.0, 2.0)),
        settings={"drip": 3},
        flatten=True,
    )
    assert by_form.writing.media_type == "image/jpeg"
    coats = order_of("stylize", values_of_form([("coats", '[{"style": "udnie", "where": "subject"}]')]))
    assert isinstance(coats.options, StylizeOptions)
    assert coats.options.coats == (Coat((StyleChoice("udnie", kind="library"),), "subject"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"style": "udnie", "strenght": "1"},
        {"style": "udnie", "strength": "much"},
        {"style": "udnie", "strength": "nan"},
        {"style": "udnie", "keep_colors": "perhaps"},
        {"style": "udnie", "refine": "9" * 5000},
        {"style": "udnie", "refine": [1]},
        {"style": "udnie", "refine_iterations": "3"},
        {"style": "udnie", "refine_optimizer": "adam"},
        {"style": "udnie", "settings": [1]},
        {"style": "udnie", "format": "exe"},
        {"style": "udnie", "quality": 0},
        {"style": {"udnie": 1}},
        {"coats": "udnie"},
        {"coats": [{"style": "udnie", "over": 1}]},
        {},
    ],
)
def test_values_that_cannot_be_used_are_named(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as raised:
        order_of("stylize", fields)
    assert str(raised.value)
