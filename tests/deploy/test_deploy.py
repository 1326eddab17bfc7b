"""What the containers and the code must agree on. Read as text: YAML is no dependency."""

import json
import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from media_processor.settings import CentralServerSettings, FastServerSettings, WorkerSettings

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
SERVICES: dict[str, type[BaseSettings]] = {
    "fast-server": FastServerSettings,
    "worker-server": WorkerSettings,
    "central-server": CentralServerSettings,
}


def _variables(name: str) -> set[str]:
    return {field.upper() for field in SERVICES[name].model_fields}


def _stages() -> dict[str, list[tuple[str, str]]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    stages: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            name = rest.split()[-1]
        stages.setdefault(name, []).append((word, rest))
    return stages


def _values(stage: str, word: str) -> list[str]:
    return [rest for found, rest in _stages()[stage] if found == word]


def _environment(stage: str) -> dict[str, str]:
    pairs = (pair.partition("=") for line in _values(stage, "ENV") for pair in line.split())
    return {key: value for key, _, value in pairs}


def _compose(service: str) -> str:
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    found = re.search(rf"^  {service}:\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    assert found, service
    return found[1]


def _compose_environment(service: str) -> dict[str, str]:
    own = _block(_compose(service), "    environment:")
    shared = re.search(r"<<: \*(\w+)", own)
    whole = (ROOT / "deploy" / "compose.yaml").read_text()
    block = own + (_block(whole, f"x-{shared[1]}: &{shared[1]}") if shared else "")
    return dict(re.findall(r"^ +(\w+): ?(.*)$", block, re.MULTILINE))


def _block(text: str, begin: str) -> str:
    """The lines below ``begin`` that are indented by two more."""
    indent = len(begin) - len(begin.lstrip()) + 2
    found = re.search(rf"^{re.escape(begin)}\n((?: {{{indent}}}.*\n)+)", text, re.MULTILINE)
    assert found, begin
    return found[1]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_an_image_that_starts_it(service: str) -> None:
    assert _values(service, "FROM") == [f"runtime AS {service}"]
    assert [json.loads(it) for it in _values(service, "ENTRYPOINT")] == [
        ["media-processor", service]
    ]
    [check] = _values(service, "HEALTHCHECK")
    assert json.loads(check[check.index("[") :])[0] == "python"
    assert f"target: {service}\n" in _compose(service)


def test_no_image_runs_as_root() -> None:
    assert _values("runtime", "USER") == ["10001:10001"]
    assert _environment("runtime")["MEDIA_DATA_DIR"] == "/data"
    assert not any(_values(service, "USER") for service in SERVICES)


def test_only_locked_dependencies_are_installed() -> None:
    installs = [
        step
        for line in _values("build", "RUN")
        for step in line.split(" && ")
        if "pip install" in step or "pip sync" in step
    ]
    assert installs == [
        "pip install --require-hashes -r requirements/bootstrap.txt",
        "uv pip sync --require-hashes requirements/runtime.txt",
        "uv pip install --offline --no-deps dist/*.whl",
    ]


def test_what_the_images_copy_is_sent_to_the_builder() -> None:
    ignore = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {
        source
        for stage in _stages()
        for line in _values(stage, "COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize(
    ("service", "variable"),
    [("fast-server", "FAST_SERVER_PORT"), ("central-server", "CENTRAL_SERVER_PORT")],
)
def test_ports_are_those_of_the_settings_and_published_to_this_machine_only(
    service: str, variable: str
) -> None:
    port = str(SERVICES[service].model_fields[variable.lower()].default)
    assert _environment(service) == {"BIND_HOST": "0.0.0.0", variable: port}
    assert _values(service, "EXPOSE") == [port]
    assert f'ports: ["${{BIND_HOST:-127.0.0.1}}:${{{variable}:-{port}}}:{port}"]' in _compose(
        service
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_and_nothing_else_is_passed_on_to_it(service: str) -> None:
    """No secret of one service reaches another, as all of .env would."""
    fixed = {*_environment(service), "MEDIA_DATA_DIR", "HOSTNAME"}
    assert set(_compose_environment(service)) == _variables(service) - fixed
    assert set(_environment(service)) <= _variables(service)


def test_every_variable_that_compose_uses_is_a_setting() -> None:
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    used = {name.removeprefix("MEDIA_") for name in re.findall(r"\$\{(\w+)", compose)}
    assert used <= set.union(*(_variables(name) for name in SERVICES))


def test_services_are_wired_to_each_other() -> None:
    for service in ("fast-server", "worker-server"):
        environment = _compose_environment(service)
        assert environment["REDIS_HOST"] == "redis"
        assert environment["CENTRAL_SERVER_URL"] == "http://central-server:8003/upload-final"
        assert 'volumes: ["uploads:/data", "./watermarks:/watermarks:ro"]' in _compose(service)
    assert 'volumes: ["archive:/data"]' in _compose("central-server")
    hosts = _compose_environment("central-server")["ALLOWED_HOSTS"]
    assert hosts.startswith("central-server,")
    assert "networks" not in _compose("central-server")  # it never sees the queue
    assert {"--appendonly", "noeviction"} <= set(_compose("redis").split())


def test_profiles_and_logos_are_where_the_documents_say() -> None:
    folder = ROOT / "deploy" / "watermarks"
    for page in (folder / "README.md", ROOT / "deploy" / "README.md"):
        assert "WATERMARKS=/watermarks/watermarks.toml" in page.read_text()
    for service in ("fast-server", "worker-server"):
        assert _compose_environment(service)["WATERMARKS"] == ""  # passed on only if set
    assert {"DATABASE_URL", "AUDIT_KEY"} <= _compose_environment("central-server").keys()
    assert "REDIS_PREFIX" in _compose_environment("worker-server")


def test_three_workers_that_are_given_time_to_finish() -> None:
    assert "replicas: 3\n" in _compose("worker-server")
    assert "HOSTNAME" not in _compose_environment("worker-server")
    assert _compose_environment("worker-server")["GOOGLE_LOGO"] == ""  # passed on only if set
    grace = re.search(r"stop_grace_period: (\d+)s", (ROOT / "deploy/compose.yaml").read_text())
    assert grace
    assert int(grace[1]) > WorkerSettings.model_fields["shutdown_seconds"].default + 5
