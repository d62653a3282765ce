"""The AWS CLI's options, documents and messages. YAML and `yaml-input` are its version 2's."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from bot.aws.identity import role_without_session
from bot.aws.spelling import MAX_DOCUMENT, AwsSpelling
from bot.errors import UsageError
from bot.terminal.signout_command import read_file

POOL = "eu-central-1_AbCdEf123"
BOTH = {"user-pool-id": POOL, "username": "ada"}
READ = AwsSpelling().read


def fault(given: Mapping[str, str]) -> str:
    with pytest.raises(UsageError) as caught:
        READ(given)
    return caught.value.sentence


def test_a_skeleton_of_either_sort_can_be_filled_in_and_given_back() -> None:
    for form, option in (("input", "cli-input-json"), ("yaml-input", "cli-input-yaml")):
        skeleton = READ({"generate-cli-skeleton": form})
        assert isinstance(skeleton, str)
        filled = skeleton.replace("''", '""').replace('""', f'"{POOL}"', 1).replace('""', '"ada"', 1)
        assert READ({option: filled}) == (POOL, "ada")


def test_the_yaml_skeleton_says_what_is_required_and_what_it_means() -> None:
    skeleton = READ({"generate-cli-skeleton": "yaml-input"})
    assert isinstance(skeleton, str)
    assert yaml.safe_load(skeleton) == {"UserPoolId": "", "Username": ""}
    for line in skeleton.splitlines():
        assert re.fullmatch(r"\w+: ''  # \[REQUIRED\] The [^<>]+\.", line)


def test_the_output_skeleton_is_empty_but_checks_the_values() -> None:
    assert READ({"generate-cli-skeleton": "output"} | BOTH) == ""
    assert "required" in fault({"generate-cli-skeleton": "output"})
    assert "valid min length: 1" in fault({"generate-cli-skeleton": "output", "user-pool-id": POOL, "username": ""})


@pytest.mark.parametrize(
    "name", ["x" * 128, "\u00e4da", "a+b@c.de", "<!channel>", "\U0001f600", "e\u0301", "-5", "\u20ac"]
)
def test_a_user_name_may_be_what_cognitos_pattern_takes(name: str) -> None:
    assert READ(BOTH | {"username": name}) == (POOL, name)


@pytest.mark.parametrize("name", [" ", "a b", "a\n", "\u200b", "\u202e", "\x00", "\ud800", "\ue000", "\u2028"])
def test_a_user_name_has_no_blank_and_nothing_invisible(name: str) -> None:
    assert "Invalid value for parameter Username, valid pattern: " in fault(BOTH | {"username": name})


@pytest.mark.parametrize("pool_id", ["nope", "eu-central-1_", "eu-central-1_a b", "eu-central-1_\u0661", "a_b\n"])
def test_a_pools_id_is_what_cognitos_pattern_takes(pool_id: str) -> None:
    assert "Invalid value for parameter UserPoolId, valid pattern: " in fault(BOTH | {"user-pool-id": pool_id})
    assert "valid max length: 55" in fault(BOTH | {"user-pool-id": f"eu-central-1_{'a' * 55}"})


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ('{"UserPoolId": "p_1", "Username": 5}', "Invalid type for parameter Username, value: 5, type: <class 'int'>"),
        ('{"UserPoolId": "p_1", "Username": null}', "Invalid type for parameter Username, value: None"),
        (
            '{"UserPoolId": "p_1", "Username": "a", "Foo": 1}',
            'Unknown parameter in input: "Foo", must be one of: UserPoolId',
        ),
        ('{"UserPoolId": "p_1", "Username": "a", "Username": "b"}', "The document names a parameter twice"),
        ('{"UserPoolId": "p_1"}', 'Missing required parameter in input: "Username"'),
        ('{"UserPoolId": "", "Username": ""}', "value: 0, valid min length: 1; Invalid length for parameter Username"),
        ('{"UserPoolId": "p_1", "Username": "' + "\u202e" * 9 + '"}', "valid pattern"),
        ("[" * MAX_DOCUMENT, "Invalid JSON received|nested too deeply"),
        ('{"Username":' + "[" * 500 + "]" * 500 + "}", "Invalid type|nested too deeply"),
        ('{"Username": ' + "9" * 1000 + "}", "Invalid type|Invalid JSON"),
        ("{" + " " * MAX_DOCUMENT + "}", "longer than 1,024 characters"),
        ("null", "must hold parameters by name"),
        ("\ufeff{}", "Invalid JSON received"),
    ],
)
def test_a_json_document_is_checked_in_the_aws_clis_words(document: str, sentence: str) -> None:
    said = fault({"cli-input-json": document})
    assert any(part in said for part in sentence.split("|"))
    assert len(said) < 500


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("UserPoolId: p_1\nUsername: 5", "Invalid type for parameter Username, value: 5, type: <class 'int'>"),
        ("UserPoolId: p_1\nUsername: yes", "Invalid type for parameter Username, value: True"),
        ("UserPoolId: p_1\nUsername: 2026-11-22", "Invalid type for parameter Username"),
        ("UserPoolId: p_1\nUsername: a\nUsername: b", "The document names a parameter twice"),
        ("Username: ada", 'Missing required parameter in input: "UserPoolId"'),
        ("a: &a [x, x]\nb: &b [*a, *a]\nUsername: [*b, *b]", "must not use aliases"),
        ("a: &a\n  <<: *a", "must not use aliases"),
        ("Username: !!python/object/apply:os.getcwd []", "Invalid YAML received"),
        ("Username: !!int x", "Invalid YAML received"),
        ("Username: !!bool x", "Invalid YAML received"),
        ("Username: !!timestamp x", "Invalid YAML received"),
        ("Username: 2026-99-99", "Invalid YAML received"),
        ("? [a]\n: b", "Invalid YAML received"),
        ("? {a: b}\n: b", "Invalid YAML received"),
        ("{", "Invalid YAML received"),
        ("a\x00b", "Invalid YAML received"),
        ("--- a\n--- b", "Invalid YAML received"),
        ("[" * MAX_DOCUMENT, "nested too deeply"),
        ("- " * 500, "nested too deeply"),
        ("\n".join(f"a{number}: 1" for number in range(100)), "more in it than two parameters"),
        ("a: " * 300, "Invalid YAML received"),
        ("Username: ada", "Missing"),
        ("ada", "must hold parameters by name"),
        ("", "must hold parameters by name"),
        ("#" * (MAX_DOCUMENT + 1), "longer than 1,024 characters"),
    ],
)
def test_a_yaml_document_is_plain_values_by_name(document: str, sentence: str) -> None:
    said = fault({"cli-input-yaml": document})
    assert sentence in said
    assert len(said) < 500


def test_options_override_the_document_even_where_it_is_wrong_there() -> None:
    assert READ({"cli-input-json": f'{{"UserPoolId": "{POOL}", "Username": 5}}', "username": "ada"}) == (POOL, "ada")
    assert READ({"cli-input-yaml": "UserPoolId: [x]\nUsername: ada", "user-pool-id": POOL}) == (POOL, "ada")
    assert "Only one --cli-input- parameter" in fault({"cli-input-json": "{}", "cli-input-yaml": "{}"})


def test_a_file_is_read_only_where_there_is_somebody_to_read_it(tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text(f'{{"UserPoolId": "{POOL}", "Username": "ada"}}')
    given = {"cli-input-json": f"file://{document}"}
    assert AwsSpelling(read_file).read(given) == (POOL, "ada")
    assert "are not followed" in fault(given)
    for given in (
        {"cli-input-json": "http://127.0.0.1/"},
        {"cli-input-json": "fileb://x"},
        BOTH | {"username": "file://x"},
    ):
        with pytest.raises(UsageError, match="are not followed"):
            AwsSpelling(read_file).read(given)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"\xff", "not UTF-8"), (b"x" * 5000, "longer than")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "document").write_bytes(content)
    with pytest.raises(UsageError, match=why):
        AwsSpelling(read_file).read({"cli-input-json": f"file://{tmp_path / 'document'}"})


@pytest.mark.parametrize(
    ("arn", "known_as"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Support/anything", "arn:aws:iam::123456789012:role/Support"),
        ("arn:aws-cn:sts::123456789012:assumed-role/Support/a=b", "arn:aws-cn:iam::123456789012:role/Support"),
        ("arn:aws:iam::123456789012:user/eu/sam", "arn:aws:iam::123456789012:user/eu/sam"),
        ("arn:aws:sts::123456789012:federated-user/sam", "arn:aws:sts::123456789012:federated-user/sam"),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
    ],
)
def test_a_role_is_known_without_its_session_name_which_anybody_may_choose(arn: str, known_as: str) -> None:
    assert role_without_session(arn) == known_as
