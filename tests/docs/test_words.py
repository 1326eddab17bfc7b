"""One word for one thing, in everything that a user, an operator or a caller reads."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_THEN = ROOT / "CHANGELOG.md"  # says what was, in the words of then
SOURCE = ROOT / "src/media_processor"

INSTEAD = {
    r"brand(?:s|ed|ing)?": "watermark",
    r"paint(?:s|ed|ing)?": "watermark, draw",
    r"stamp(?:s|ed|ing)?": "overlay",
    r"gateway": "fast server",
    r"bells?|rings?|rung": "wake-up list",
    r"sign of life": "heartbeat",
    r"told|tells?|telling": "report, return, show, say",
    r"ship(?:s|ped|ping)?": "deliver, come with",
    r"the ways there are": "the choices",
    r"holds? it up": "delay, block",
    r"nobody read": "the output was closed",
}
"""What isn't written, as a regular expression, and what is written in its place."""

ALLOWED = (
    r"first (contentful )?paint",
    r"images/branding/googlelogo",
)
"""Terms of others that have such a word."""

_WORDS = re.compile("|".join(rf"\b(?:{word})\b" for word in INSTEAD), re.IGNORECASE)
_LOG_CALLS = {"debug", "info", "warning", "error", "exception", "critical"}
_COMMAND = {"command", "callback"}


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda f: f.stem)
def test_errors_logs_and_help_have_one_word_for_a_thing(file: Path) -> None:
    _check(file, _python_texts(file))


@pytest.mark.parametrize(
    "file", sorted((SOURCE / "fast_server/web").glob("*.[jh]*")), ids=lambda f: f.name
)
def test_the_page_has_one_word_for_a_thing(file: Path) -> None:
    texts = _html_texts(file) if file.suffix == ".html" else _script_texts(file)
    _check(file, texts)


@pytest.mark.parametrize(
    "file",
    sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {OF_THEN}),
    ids=lambda f: f.name,
)
def test_documents_have_one_word_for_a_thing(file: Path) -> None:
    # The lists of files come from the files' own first lines.
    written, _, _ = file.read_text().partition("<!-- files: ")
    text = re.sub(r"`[^`\n]*`", "``", written)
    _check(file, enumerate(text.splitlines(), 1))


def test_the_words_are_found() -> None:
    found = [_instead(word) for word in ("branded", "Told", "Stamps", "the ways there are")]

    assert found == ["watermark", "report, return, show, say", "overlay", "the choices"]
    assert not _WORDS.search("string, timestamp, brandy, shipment, during")


def _check(file: Path, texts: Iterator[tuple[int, str]] | enumerate[str]) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {found[0]!r}: write {_instead(found[0])}"
        for line, text in texts
        for found in _WORDS.finditer(re.sub("|".join(ALLOWED), "", text, flags=re.IGNORECASE))
    ]
    assert not wrong, "\n".join(wrong)


def _instead(found: str) -> str:
    return next(
        better for word, better in INSTEAD.items() if re.fullmatch(word, found, flags=re.IGNORECASE)
    )


def _python_texts(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from _literals(*node.exc.args)
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in _LOG_CALLS:
                yield from _literals(*node.args)
            help_of = (each.value for each in node.keywords if each.arg in ("help", "description"))
            yield from _literals(*help_of)
        elif isinstance(node, ast.FunctionDef) and _is_command(node):
            yield node.lineno, ast.get_docstring(node) or ""


def _is_command(node: ast.FunctionDef) -> bool:
    calls = (each.func for each in node.decorator_list if isinstance(each, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr in _COMMAND for call in calls)


def _literals(*expressions: ast.expr) -> Iterator[tuple[int, str]]:
    for expression in expressions:
        for node in ast.walk(expression):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value


def _script_texts(file: Path) -> Iterator[tuple[int, str]]:
    """String and template literals with a blank in them; names of elements have none."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        code = re.sub(r"^\s*(?:/\*\*|\*|//).*|\s//\s.*", "", line)
        for literal in re.findall(r'"[^"]* [^"]*"|`[^`]* [^`]*`', code):
            yield number, re.sub(r"\$\{[^}]*\}", "", literal)


def _html_texts(file: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        shown = re.findall(r'>[^<]+<|>[^<]+$|(?:aria-label|alt|placeholder|title)="[^"]+"', line)
        yield number, " ".join(shown)
