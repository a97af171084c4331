"""What is in `deploy/` holds against the schemas and linters of those who will read it.

There is no container engine here, so nothing is built. What the commands in these files do is run as plain processes in
``test_deployed``.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_k8s.launcher import K8sRunLauncher
from dagster_k8s.models import k8s_snake_case_dict
from kubernetes.client.models import V1PodSpec

from resources.settings import SECRETS_DIR, Settings

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
ANALYZE = shutil.which("systemd-analyze")
KUBERNETES = "1.34"
LOCKED = {
    package["name"]: package.get("version")
    for package in tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))["package"]
}
SETTINGS = {str(field.alias) for field in Settings.model_fields.values()} | {SECRETS_DIR}


def _read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


VALUES, COMPOSE = _read("kubernetes/values.yaml"), _read("compose.yaml")
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes/manna.yaml").read_text(encoding="utf-8")))
[CODE] = VALUES["dagster-user-deployments"]["deployments"]


def test_the_dockerfile_pleases_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_no_secret_and_all_that_runs() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        line.split()[-2]
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
    }
    allowed = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]["targets"]
    assert set(packages["wheel"]["packages"]) <= copied <= allowed
    assert all((PROJECT / name).exists() for name in allowed)
    assert "ARG PYTHON_IMAGE=python:3.11" in dockerfile
    assert f"/uv:{_make_variable('UV_VERSION')}\n" in dockerfile
    assert "\nUSER 10001:10001\n" in dockerfile
    # What is in MANNA_SECRETS_DIR is never an argument or a variable of a layer.
    assert not [name for name in SETTINGS - {"MANNA_DATA_DIR"} if name in dockerfile]


def _make_variable(name: str) -> str:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    return next(
        line.split(":=")[1].strip() for line in makefile.splitlines() if line.startswith(f"{name} :=")
    )


def test_compose_follows_its_specification() -> None:
    jsonschema.validate(COMPOSE, get_builtin_schema("vendor.compose-spec"))


def test_compose_opens_nothing_beyond_this_machine_and_keeps_secrets_in_files() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports == [f"127.0.0.1:{port}:{port}" for port in (3000, 3200, 3100)]
    for name, service in COMPOSE["services"].items():
        environment = service.get("environment", {})
        assert not environment.keys() & COMPOSE["secrets"].keys(), name
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys(), name
        assert {one for one in environment if one.startswith(("MANNA_", "PLAID_", "ALPACA_"))} <= SETTINGS | {
            "MANNA_CODE_HOST",
            "MANNA_CODE_PORT",
        }
        assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys(), name
        if name not in ("prepare", "sandbox"):
            assert service.get("restart") == "unless-stopped", name
            assert name == "code" or "test" in service["healthcheck"], name
    assert COMPOSE["secrets"].keys() - {"POSTGRES_PASSWORD"} <= SETTINGS
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {Path(secret["file"]).parent for secret in COMPOSE["secrets"].values()} == {Path("secrets")}
    assert "deploy/secrets/" in ignored


def test_what_is_run_in_a_container_on_data_of_another_version_does_not_wait_for_who_refuses_it() -> None:
    """`docker compose run` starts first what a service waits for: `prepare` refuses an older schema, and makes one where a
    restore wants none."""
    documents = [*(PROJECT / "docs").glob("*.md"), DEPLOY / "compose.yaml"]
    text = "\n".join(document.read_text(encoding="utf-8") for document in documents)
    named = re.findall(r"compose.yaml run --rm ([\w-]+) manna (migrate|restore)", text)
    assert {command for _, command in named} == {"migrate", "restore"}
    for service, command in named:
        assert "prepare" not in COMPOSE["services"][service].get("depends_on", {}), command


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")
@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda unit: unit.name)
def test_units_are_of_systemd(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    # Programs must exist to please it.
    here = tmp_path / unit.name
    here.write_text(re.sub(r"/opt/manna/\.venv/bin/\w+", sys.executable, text), encoding="utf-8")
    done = subprocess.run([str(ANALYZE), "verify", here], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    named = set(re.findall(r"^(?:Environment=|LoadCredential=)(\w+)", text, re.M))
    assert named <= SETTINGS


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']}-{manifest['metadata']['name']}"
)
def test_manifests_are_of_kubernetes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    named = {name for name in manifest.get("stringData", ()) if name.isupper()}
    assert named <= SETTINGS


def test_pods_of_the_chart_are_of_kubernetes_too() -> None:
    """The chart's own schema is in no package that can be had; what it hands on to Kubernetes is held against Kubernetes'."""
    for image, part in (
        (CODE["image"], CODE),
        (CODE["image"], VALUES["dagsterWebserver"]),
        (CODE["image"], VALUES["dagsterDaemon"]),
    ):
        assert part["image"] == image
        container = {
            "name": "c",
            "image": f"{image['repository']}:{image['tag']}",
            "imagePullPolicy": image["pullPolicy"],
            "securityContext": part["securityContext"],
            "env": part.get("env", []),
            "envFrom": [{"secretRef": source} for source in part.get("envSecrets", ())],
            "volumeMounts": part.get("volumeMounts", []),
            "resources": part.get("resources", {}),
            "args": part.get("dagsterApiGrpcArgs", []),
        }
        spec = {
            "containers": [container],
            "securityContext": part["podSecurityContext"],
            "volumes": part.get("volumes", []),
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_chart_gives_dagster_what_dagster_takes() -> None:
    launcher = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    pods = launcher["runK8sConfig"]
    config = {
        "image_pull_policy": launcher["imagePullPolicy"],
        "load_incluster_config": launcher["loadInclusterConfig"],
        "resources": launcher["resources"],
        "service_account_name": "dagster",
        "instance_config_map": "dagster-instance",
        "dagster_home": VALUES["global"]["dagsterHome"],
        "run_k8s_config": {
            "pod_spec_config": k8s_snake_case_dict(V1PodSpec, pods["podSpecConfig"]),
            "job_spec_config": {
                "ttl_seconds_after_finished": pods["jobSpecConfig"]["ttlSecondsAfterFinished"]
            },
        },
    }
    taken = process_config(_schema(K8sRunLauncher.config_type()), config)
    assert taken.success, taken.errors
    K8sRunLauncher.config_type()
    instance = {**VALUES["additionalInstanceConfig"], "telemetry": VALUES["telemetry"]}
    taken = process_config(_schema(dagster_instance_config_schema()), instance)
    assert taken.success, taken.errors
    ours = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    assert VALUES["additionalInstanceConfig"]["concurrency"] == ours["concurrency"]


def _schema(fields: Any) -> Any:
    from dagster import Shape

    return Shape(fields)


def test_parts_that_name_each_other_agree() -> None:
    made = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in MANIFESTS}
    assert ("Secret", VALUES["global"]["postgresqlSecretName"]) in made
    assert {("Secret", source["name"]) for source in CODE["envSecrets"]} <= made
    assert ("PersistentVolumeClaim", CODE["volumes"][0]["persistentVolumeClaim"]["claimName"]) in made
    assert {one["name"] for one in CODE["env"]} <= SETTINGS
    assert {mount["name"] for mount in CODE["volumeMounts"]} == {volume["name"] for volume in CODE["volumes"]}
    text = (DEPLOY / "kubernetes" / "values.yaml").read_text(encoding="utf-8")
    assert f"--version {LOCKED['dagster']} " in text  # the chart has Dagster's version
    images = {service["image"] for service in COMPOSE["services"].values() if "build" in service}
    assert images == {f"manna:{CODE['image']['tag']}"} == {f"manna:{LOCKED['manna']}"}
