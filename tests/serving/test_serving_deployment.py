"""The files that deploy a server say what the server understands."""

import json
import pathlib
import re

import pytest
import yaml

from slice_tf_serving import metrics
from slice_tf_serving.deployment.server_files import (
    batching_parameters,
    check_batching,
    check_monitoring,
    check_ssl,
    monitoring_config,
    ssl_config,
)
from slice_tf_serving.model_config import read_models_config

ROOT = pathlib.Path(__file__).parents[2] / "serving"
METADATA = "/v1/models/digits/metadata"
METRIC = re.compile(r":tensorflow:serving:\w+|slice_tf:\w+(?::\w+)?")
PEM = "-----BEGIN X-----\nabc\n-----END X-----\n"


def load(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def manifests():
    """Kubernetes documents, by kind; several of a kind in a list."""
    text = (ROOT / "kubernetes/model-server.yaml").read_text(encoding="utf-8")
    found = {}
    for document in yaml.safe_load_all(text):
        found.setdefault(document["kind"], []).append(document)
    return found


def test_written_files_are_those_of_the_compose_file():
    files = {
        "batching.config": batching_parameters([1, 8, 32]),
        "monitoring.config": monitoring_config(),
    }
    for name, text in files.items():
        assert (ROOT / "compose/config" / name).read_text(
            encoding="utf-8"
        ) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), r"must be positive and rise.*sizes=\[\]"),
        (([8, 1],), r"must be positive and rise.*\[8, 1\]"),
        (([0, 1],), r"must be positive and rise.*\[0, 1\]"),
        (([1], 0), "num_batch_threads=0"),
        (([1], 1, -1), "must not be negative. Received: -1"),
        (([1], 1, 0, 0), "max_enqueued_batches=0"),
    ],
)
def test_batching_must_make_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        batching_parameters(*arguments)


@pytest.mark.parametrize(
    ("check", "text", "message"),
    [
        (check_batching, "max_batch: 1", "no field named"),
        (
            check_batching,
            "max_batch_size { value: 9 } allowed_batch_sizes: 8",
            "max_batch_size=9",
        ),
        (check_monitoring, "", "must begin with '/'"),
        (check_monitoring, "prometheus { }", "no field named"),
        (check_ssl, 'server_key: "/tls/key"', "must hold PEM text"),
    ],
)
def test_files_are_checked(check, text, message):
    with pytest.raises(ValueError, match=message):
        check(text)


def test_tls_file_holds_the_texts(tmp_path):
    paths = [tmp_path / name for name in ("key", "certificate", "ca")]
    for path in paths:
        path.write_text(PEM)
    text = ssl_config(*paths)
    assert text.count("BEGIN X") == 3
    assert "client_verify: true" in text
    assert "client_verify" not in ssl_config(*paths[:2])
    with pytest.raises(ValueError, match="needs `custom_ca`"):
        check_ssl(re.sub("custom_ca: .*", "", text))


def test_compose_mounts_what_it_names():
    services = load("compose/compose.yaml")["services"]
    assert set(services) == {"model-server", "proxy", "prometheus"}
    server = services["model-server"]
    mounted = {
        one.split(":")[1]: one.split(":")[0] for one in server["volumes"]
    }
    named = [
        flag.split("=")[1] for flag in server["command"] if "/config/" in flag
    ]
    assert len(named) == 3
    for name in named:  # A file that is replaced needs its directory.
        directory, _, file = name.rpartition("/")
        assert (ROOT / "compose" / mounted[directory] / file).is_file()
    (model,) = read_models_config(ROOT / "compose/config/models.config")
    assert str(model.base_dir) == "/models/digits"
    assert "ports" not in server  # only the proxy can be reached


def test_prometheus_asks_where_metrics_are():
    (job,) = load("compose/prometheus.yaml")["scrape_configs"]
    assert job["metrics_path"] == metrics.PATH


def test_configuration_of_kubernetes_is_valid(manifests, tmp_path):
    (config,) = manifests["ConfigMap"]
    check_batching(config["data"]["batching.config"])
    check_monitoring(config["data"]["monitoring.config"])
    file = tmp_path / "models.config"
    file.write_text(config["data"]["models.config"])
    (model,) = read_models_config(file)
    assert model.name == "digits"


def test_kubernetes_takes_the_manifests():
    """Its schemas are 100 MB, so that nothing here brings them along."""
    schemas = pytest.importorskip("kubernetes_validate")
    text = (ROOT / "kubernetes/model-server.yaml").read_text(encoding="utf-8")
    for document in yaml.safe_load_all(text):
        schemas.validate(document, "1.31", strict=True)


def test_kubernetes_finds_its_pods(manifests):
    (deployment,) = manifests["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        *(one["spec"]["selector"] for one in manifests["Service"]),
        manifests["PodDisruptionBudget"][0]["spec"]["selector"]["matchLabels"],
        manifests["NetworkPolicy"][0]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(one == labels for one in selectors)
    target = manifests["HorizontalPodAutoscaler"][0]["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"]


def test_container_is_ready_when_a_version_is(manifests):
    (deployment,) = manifests["Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    for probe in ("readinessProbe", "startupProbe"):
        assert container[probe]["httpGet"] == {"path": METADATA, "port": "rest"}
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for service in manifests["Service"]:
        for port in service["spec"]["ports"]:
            assert port["port"] == ports[port["targetPort"]]
    mounts = {one["name"] for one in container["volumeMounts"]}
    assert mounts == {one["name"] for one in pod["volumes"]}


def test_container_may_do_nothing_but_serve(manifests):
    (deployment,) = manifests["Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    (policy,) = manifests["NetworkPolicy"]
    callers, prometheus = policy["spec"]["ingress"]
    assert callers["ports"] == [{"port": 8500}, {"port": 8501}]
    assert prometheus["ports"] == [{"port": 8501}]  # gRPC loads models
    assert policy["spec"]["egress"] == []


def test_images_are_pinned(manifests):
    services = load("compose/compose.yaml")["services"]
    images = [one["image"] for one in services.values()]
    (deployment,) = manifests["Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == images[0]
    assert all(re.search(r":v?\d+\.\d+", image) for image in images)


def test_kserve_serves_the_model():
    service = load("kubernetes/kserve.yaml")
    assert service["kind"] == "InferenceService"
    model = service["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow"}


def expressions():
    rules = [
        rule
        for group in load("monitoring/alerts.yaml")["groups"]
        for rule in group["rules"]
    ]
    panels = json.loads(
        (ROOT / "monitoring/dashboard.json").read_text(encoding="utf-8")
    )["panels"]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    shown = [one["expr"] for panel in panels for one in panel["targets"]]
    return [rule["expr"] for rule in rules] + shown, recorded


def test_alerts_and_dashboard_ask_for_metrics_that_are_there():
    texts, recorded = expressions()
    known = {
        value
        for value in vars(metrics).values()
        if isinstance(value, str) and METRIC.fullmatch(value)
    }
    asked = {name for text in texts for name in METRIC.findall(text)}
    asked = {name.removesuffix("_bucket") for name in asked}
    assert asked <= known | recorded
    assert metrics.SLICE_PROBABILITY in asked


def test_every_alert_says_what_is_wrong():
    groups = load("monitoring/alerts.yaml")["groups"]
    alerts = [
        rule for group in groups for rule in group["rules"] if "alert" in rule
    ]
    assert [one["alert"] for one in alerts] == [
        "SliceShareMoved",
        "SliceVanished",
        "RequestsFail",
        "ModelServerDown",
        "RequestLogDrops",
    ]
    (job,) = load("compose/prometheus.yaml")["scrape_configs"]
    (down,) = (one for one in alerts if one["alert"] == "ModelServerDown")
    assert down["expr"] == f'up{{job="{job["job_name"]}"}} == 0'
    for alert in alerts:
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("warning", "critical")
