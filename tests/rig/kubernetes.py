"""helm and kubeconform, of scripts/install-kubernetes-tools, with schemas that are made of Kubernetes' own OpenAPI document.

kubeconform downloads a schema for each kind otherwise. These are strict: a field that a kind does not have is a mistake.
"""
import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "etc" / "helm" / "photogate"
KUBERNETES = "v1.32.2"
KINDS = ("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Service")
TOOLS = pathlib.Path(os.environ.get("PHOTOGATE_TOOLS") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "photogate" / "bin")
OPENAPI = TOOLS / f"kubernetes-{KUBERNETES}.json"


def installed():
    return OPENAPI.exists() and all(os.access(TOOLS / name, os.X_OK) for name in ("helm", "kubeconform"))


def strict(schema):
    """The schema with no other fields than it names, and with the two types that JSON has more than one of."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string":
        return {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    made = {key: strict(value) for key, value in schema.items() if not key.startswith("x-") and key not in ("description", "format")}
    if "properties" in made:
        made["additionalProperties"] = False
    return made


def reached(name, definitions, found):
    """Adds the definition's name and all that it refers to."""
    if name not in found:
        found.add(name)
        for other in re.findall(r'"#/definitions/([^"]+)"', json.dumps(definitions[name])):
            reached(other, definitions, found)
    return found


def write_schemas(folder):
    """One file for each of our kinds, as kubeconform looks for it: deployment-apps-v1.json."""
    definitions = json.loads(OPENAPI.read_text())["definitions"]
    all_strict = {name: strict(definition) for name, definition in definitions.items()}
    all_strict["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            group = [kind["group"].split(".")[0]] if kind["group"] else []
            file = "-".join([kind["kind"].lower(), *group, kind["version"]]) + ".json"
            if kind["kind"] in KINDS:
                needed = {each: all_strict[each] for each in reached(name, all_strict, set())}
                (folder / file).write_text(json.dumps({**all_strict[name], "definitions": needed}))


def conform(schemas, manifests):
    """What kubeconform says of these manifests, of which it must know every kind: (whether all are valid, its words)."""
    done = subprocess.run([TOOLS / "kubeconform", "-strict", "-summary", "-verbose", "-schema-location", f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
                           "-kubernetes-version", KUBERNETES.removeprefix("v"), "-"], input=manifests, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


def helm(*arguments):
    return subprocess.run([TOOLS / "helm", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def template(*settings):
    """The chart's manifests with these values (`--set`)."""
    words = [word for setting in settings for word in ("--set", setting)]
    done = helm("template", "photogate", CHART, "--namespace", "photogate", "--kube-version", KUBERNETES.removeprefix("v"), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout
