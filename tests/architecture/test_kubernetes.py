"""The chart and the manifests: what Kubernetes reads in them, and that they fit the program. No cluster is part of it."""
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.rig import kubernetes  # noqa: E402

pytestmark = pytest.mark.skipif(not kubernetes.installed(), reason="scripts/install-kubernetes-tools has not been run")

VARIANTS = {
    "as it is": (),
    "ingress": ("ingress.enabled=true", "ingress.className=nginx", "ingress.annotations.a=b"),
    "without autoscaling": ("work.autoscaling.enabled=false", "work.replicas=3"),
    "without policies": ("networkPolicy.enabled=false", "migrate=false", "topologySpread=false"),
    "everything named": ("image.pullSecrets[0].name=registry", "serviceAccountName=photogate", "nodeSelector.disk=fast", "tolerations[0].operator=Exists",
                         "serve.allowFrom[0].namespaceSelector.matchLabels.a=b", "image.tag=1.2.3", "existingSecret=other"),
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    kubernetes.write_schemas(folder)
    return folder


@pytest.fixture(scope="module")
def manifests():
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(kubernetes.template()) if each}


def deployments(manifests):
    return [each for (kind, _), each in manifests.items() if kind == "Deployment"]


def test_chart_is_accepted_by_helm_lint():
    done = kubernetes.helm("lint", "--strict", kubernetes.CHART)
    assert done.returncode == 0 and "0 chart(s) failed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_variant_is_valid(schemas, settings):
    valid, words = kubernetes.conform(schemas, kubernetes.template(*settings))
    assert valid and "Skipped: 0" in words, words


@pytest.mark.parametrize("said, instead", [("readOnlyRootFilesystem", "readOnlyRootFileSystem"), ("maxUnavailable: 1", "maxUnavailable: {}"),
                                           ("protocol: TCP", "protocols: TCP"), ("minReplicas: 2", "minReplicas: two")])
def test_mistake_is_found(schemas, said, instead):
    text = kubernetes.template()
    assert said in text
    valid, words = kubernetes.conform(schemas, text.replace(said, instead))
    assert not valid and re.search(r"Invalid: [1-9]\d*, Errors: 0", words), words


def test_plain_manifests_are_what_the_chart_makes(schemas):
    done = subprocess.run([ROOT / "scripts" / "render-kubernetes", "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in ("photogate.yaml", "namespace.yaml"):
        valid, words = kubernetes.conform(schemas, (ROOT / "etc" / "kubernetes" / path).read_text())
        assert valid and "Skipped: 0" in words, words


def test_pods_meet_the_standard_restricted(manifests):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and a root that can't be written to."""
    namespace = yaml.safe_load((ROOT / "etc" / "kubernetes" / "namespace.yaml").read_text())
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert len(deployments(manifests)) == 2
    for deployment in deployments(manifests):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"] == {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                                          "seccompProfile": {"type": "RuntimeDefault"}}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all(set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"} for volume in pod["volumes"])
        for container in [*pod["initContainers"], *pod["containers"]]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert "memory" in container["resources"]["limits"] and "requests" in container["resources"]


def test_user_of_the_pods_is_that_of_the_image(manifests):
    users = set(re.findall(r"^USER (\d+):\d+", (ROOT / "Containerfile").read_text(), re.M)) - {"0"}
    assert users == {str(each["spec"]["template"]["spec"]["securityContext"]["runAsUser"]) for each in deployments(manifests)}


def test_secrets_are_by_reference_alone(manifests):
    assert not [kind for kind, _ in manifests if kind == "Secret"]
    for deployment in deployments(manifests):
        pod = deployment["spec"]["template"]["spec"]
        assert [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume] == ["photogate"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            assert all(variable["name"].endswith("_FILE") and variable["value"].startswith("/etc/photogate/secrets/") for variable in container["env"])


def test_each_role_is_a_deployment_with_a_budget_and_a_policy(manifests):
    for role in ("serve", "work"):
        deployment = manifests["Deployment", f"photogate-{role}"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["template"]["spec"]["containers"][0]["args"] == [role]
        assert deployment["spec"]["template"]["spec"]["initContainers"][0]["args"] == ["migrate"]
        for selector in (deployment["spec"]["selector"]["matchLabels"], manifests["PodDisruptionBudget", f"photogate-{role}"]["spec"]["selector"]["matchLabels"],
                         manifests["NetworkPolicy", f"photogate-{role}"]["spec"]["podSelector"]["matchLabels"]):
            assert selector.items() <= labels.items() and selector["app.kubernetes.io/component"] == role
    service = manifests["Service", "photogate"]["spec"]
    assert service["selector"]["app.kubernetes.io/component"] == "serve"
    ports = {port["name"]: port["containerPort"] for port in manifests["Deployment", "photogate-serve"]["spec"]["template"]["spec"]["containers"][0]["ports"]}
    assert ports == {"http": 8080, "metrics": 9180} and service["ports"][0]["targetPort"] == "http"


def test_workers_are_added_by_the_age_of_the_queue(manifests):
    scaler = manifests["HorizontalPodAutoscaler", "photogate-work"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == "photogate-work"
    assert "replicas" not in manifests["Deployment", "photogate-work"]["spec"], "an upgrade would undo what the autoscaler did"
    metric = scaler["metrics"][0]["external"]["metric"]
    source = (ROOT / "storage" / "records" / "metrics.cpp").read_text()
    assert f'"{metric["name"]}"' in source and f'oldest("{metric["selector"]["matchLabels"]["queue"]}")' in source
    rule = yaml.safe_load((ROOT / "etc" / "kubernetes" / "prometheus-adapter.yaml").read_text())["rules"]["external"][0]
    assert rule["name"]["as"] == metric["name"] and rule["seriesQuery"].startswith(metric["name"])


def test_probes_ask_for_routes_that_there_are(manifests):
    routes = set(re.findall(r'"(/\w+)"', (ROOT / "gateway" / "routes" / "health_routes.cpp").read_text()))
    for deployment in deployments(manifests):
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        probes = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
        assert {probe["path"] for probe in probes.values()} <= routes and probes["livenessProbe"]["path"] == "/livez"
        # A worker listens nowhere else.
        assert {probe["port"] for probe in probes.values()} == {"metrics"}


def test_configuration_of_the_chart_is_valid(manifests, tmp_path):
    program = pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release")) / "photogate"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    config = tmp_path / "photogate.toml"
    config.write_text(manifests["ConfigMap", "photogate-config"]["data"]["photogate.toml"])
    container = manifests["Deployment", "photogate-serve"]["spec"]["template"]["spec"]["containers"][0]
    environment = {"PATH": os.environ["PATH"]}
    values = {"database_url": "postgresql://photogate@db/photogate", "callback_secrets": "whsec_" + "YWJj" * 8}
    for variable in container["env"]:
        name = pathlib.Path(variable["value"]).name
        file = tmp_path / name
        file.touch(mode=0o600)
        file.write_text(values.get(name, "0123456789abcdef" * 3))
        environment[variable["name"]] = str(file)
    done = subprocess.run([program, "config", "check", "--config", config], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 2 and "placeholder" in done.stderr and "metrics_listen is not loopback" in done.stderr, done.stderr
    shutdown = subprocess.run([program, "config", "show", "--config", config], capture_output=True, text=True, timeout=60, env=environment).stdout
    seconds = [int(re.search(rf"^{name} = \"(\d+)s\"", shutdown, re.M)[1]) for name in ("drain_delay", "drain_timeout")]
    assert sum(seconds) < manifests["Deployment", "photogate-serve"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
