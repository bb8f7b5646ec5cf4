"""The committed model repository: whole, rendered from class file and specification, fit for both servers."""

import io
import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from PIL import Image
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig

from embedded_triton.install.arguments import GPU_POOL_BYTES
from gateway.settings import Settings
from training.dataset.class_descriptions import ClassDescription
from training.dataset.classes import MODEL_REPOSITORY, read_classes
from training.dataset.specification import load_specification
from training.evaluate.card import Calibration, ModelCard
from training.evaluate.report_types import DriftReference, PlaceReport, PlacesMean, PlacesReport
from training.export.configurations import WARMUP_IMAGE, explaining
from training.export.profiles import DEFAULT, load_profiles
from training.export.repository import render_from, render_repository, write_repository
from training.models.model_types import NETWORK_MODELS

CLASSES = read_classes()
PROFILES = sorted(load_profiles())
GPU_PROFILES = ["h100", "l4"]
#: Before one Triton; the autoscaler starts 8 at most.
_MOST_GATEWAYS = 32
SIZE = load_specification().size
EXPLAINING = {explaining(ensemble): network for ensemble, network in NETWORK_MODELS.items()}
MODELS = ["preprocess", *NETWORK_MODELS, *EXPLAINING, *NETWORK_MODELS.values()]
UINT8, FP32 = model_config_pb2.TYPE_UINT8, model_config_pb2.TYPE_FP32


def config_of(model: str, profile: str = DEFAULT) -> ModelConfig:
    """Return what Triton takes of a model under ``--model-config-name``."""
    tuned = MODEL_REPOSITORY / model / "configs" / f"{profile}.pbtxt"
    path = tuned if tuned.exists() else MODEL_REPOSITORY / model / "config.pbtxt"
    return text_format.Parse(path.read_text(), ModelConfig())


def tensors(entries: object) -> list[tuple[str, int, list[int]]]:
    return [(entry.name, entry.data_type, list(entry.dims)) for entry in entries]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", sorted(render_from()), ids=str)
def test_committed_files_are_what_export_renders(path: Path) -> None:
    assert (MODEL_REPOSITORY / path).read_text() == render_from()[path]


def test_every_configuration_is_a_known_model_by_its_own_name() -> None:
    found = sorted(path.parent.name for path in MODEL_REPOSITORY.glob("*/config.pbtxt"))
    assert found == sorted(MODELS)
    assert [config_of(model).name for model in found] == found


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_version_folder_in_git(model: str) -> None:
    # Triton ignores a model without a version folder, and git does not keep empty folders.
    kept = {"preprocess": "dali.py"}.get(model, ".gitkeep")
    assert (MODEL_REPOSITORY / model / "1" / kept).is_file()


@pytest.mark.parametrize("ensemble", NETWORK_MODELS)
def test_ensembles_turn_a_file_into_labelled_probabilities(ensemble: str) -> None:
    config = config_of(ensemble)
    assert config.platform == "ensemble"
    assert tensors(config.input) == [("IMAGE", UINT8, [-1])]
    assert tensors(config.output) == [("PROBABILITIES", FP32, [len(CLASSES)])]
    labels = MODEL_REPOSITORY / ensemble / config.output[0].label_filename
    assert tuple(labels.read_text().split()) == CLASSES


@pytest.mark.parametrize("ensemble", EXPLAINING)
def test_explaining_ensembles_give_a_map_for_each_class_too(ensemble: str) -> None:
    config = config_of(ensemble)
    probabilities, maps = tensors(config.output)
    assert probabilities == ("PROBABILITIES", FP32, [len(CLASSES)])
    assert maps == ("ACTIVATION_MAPS", FP32, [len(CLASSES), -1, -1])
    labels = MODEL_REPOSITORY / ensemble / config.output[0].label_filename
    assert tuple(labels.read_text().split()) == CLASSES


@pytest.mark.parametrize(("ensemble", "network"), (NETWORK_MODELS | EXPLAINING).items())
def test_steps_hand_on_what_the_next_one_takes(ensemble: str, network: str) -> None:
    config = config_of(ensemble)
    known = {name: (kind, dims) for name, kind, dims in tensors(config.input)}
    assert [step.model_name for step in config.ensemble_scheduling.step] == ["preprocess", network]
    for step in config.ensemble_scheduling.step:
        model = config_of(step.model_name)
        assert model.max_batch_size >= config.max_batch_size
        for name, kind, dims in tensors(model.input):
            assert known[step.input_map[name]] == (kind, dims)
        outputs = {name: (kind, dims) for name, kind, dims in tensors(model.output)}
        known |= {tensor: outputs[name] for name, tensor in step.output_map.items()}
    for name, kind, dims in tensors(config.output):
        assert known[name] == (kind, dims)


@pytest.mark.parametrize("network", NETWORK_MODELS.values())
def test_networks_take_the_specified_size_by_the_native_backends_names(network: str) -> None:
    config = config_of(network)
    assert config.backend == "pytorch"
    assert tensors(config.input) == [("INPUT__0", UINT8, [3, SIZE, SIZE])]
    assert tensors(config.output) == [
        ("OUTPUT__0", FP32, [len(CLASSES)]),
        ("OUTPUT__1", FP32, [len(CLASSES), -1, -1]),
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_batching_models_batch_and_choose_the_device_themselves(model: str, profile: str) -> None:
    config = config_of(model, profile)
    assert config.HasField("dynamic_batching")
    assert config.max_batch_size > 1
    kinds = model_config_pb2.ModelInstanceGroup
    assert [group.kind for group in config.instance_group] == [kinds.KIND_AUTO]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_no_request_waits_for_a_batch_that_is_not_full(model: str, profile: str) -> None:
    # A queue policy ends prefetching, and Triton 2.51 then leaves a request in the queue for half a second now and
    # then; so does a delay.
    batching = config_of(model, profile).dynamic_batching
    assert not batching.HasField("default_queue_policy")
    assert not batching.max_queue_delay_microseconds


def test_files_of_different_length_share_a_batch() -> None:
    assert [entry.allow_ragged_batch for entry in config_of("preprocess").input] == [True]


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {DEFAULT}))
@pytest.mark.parametrize("model", ["preprocess", *NETWORK_MODELS.values()])
def test_a_profile_changes_how_a_model_runs_and_nothing_of_what_it_is(model: str, profile: str) -> None:
    tuned, default = config_of(model, profile), config_of(model)
    for field in ("max_batch_size", "instance_group", "dynamic_batching", "parameters", "default_model_filename"):
        tuned.ClearField(field)
        default.ClearField(field)
    assert tuned == default


@pytest.mark.parametrize("profile", PROFILES)
def test_ensembles_batch_no_larger_than_their_steps(profile: str) -> None:
    for ensemble in (*NETWORK_MODELS, *EXPLAINING):
        steps = config_of(ensemble).ensemble_scheduling.step
        assert config_of(ensemble).max_batch_size <= min(
            config_of(step.model_name, profile).max_batch_size for step in steps
        )


@pytest.mark.parametrize("network", NETWORK_MODELS.values())
def test_a_photo_on_a_gpu_stays_there(network: str) -> None:
    assert config_of(network).parameters["FORCE_CPU_ONLY_INPUT_TENSORS"].string_value == "no"


@pytest.mark.parametrize("profile", GPU_PROFILES)
def test_all_admitted_photos_fit_into_the_memory_between_models(profile: str) -> None:
    photo = 3 * SIZE * SIZE
    configs = [config_of(model, profile) for model in NETWORK_MODELS.values()]
    # Decoded photos stand in the networks' queues; a batch at work is there as photos and once more put together.
    waiting = _MOST_GATEWAYS * len(NETWORK_MODELS) * Settings().max_concurrent_requests
    working = sum(2 * config.max_batch_size * config.instance_group[0].count for config in configs)
    preprocess = config_of("preprocess", profile)
    working += preprocess.max_batch_size * preprocess.instance_group[0].count
    assert photo * (waiting + working) <= GPU_POOL_BYTES


def test_the_warm_up_file_is_a_jpeg_of_the_promised_length() -> None:
    (warmup,) = config_of("preprocess").model_warmup
    tensor = warmup.inputs["IMAGE"]
    content = (MODEL_REPOSITORY / "preprocess" / "warmup" / tensor.input_data_file).read_bytes()
    assert list(tensor.dims) == [len(content)]
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "JPEG"
        image.load()


@pytest.mark.parametrize("ensemble", [*NETWORK_MODELS, *EXPLAINING])
def test_ensembles_have_no_warm_up(ensemble: str) -> None:
    # The server refuses to start otherwise.
    assert not config_of(ensemble).model_warmup


def test_other_classes_need_no_code(tmp_path: Path) -> None:
    for relative, content in {
        Path("labels.txt"): "cat\ndog\nbird\n",
        Path("preprocess/1/spec.json"): (MODEL_REPOSITORY / "preprocess/1/spec.json").read_text(),
        WARMUP_IMAGE: "x" * 77,
    }.items():
        (tmp_path / relative).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / relative).write_text(content)
    written = write_repository(tmp_path, tmp_path / "no weights")
    assert len(written) == len(render_from())
    assert write_repository(tmp_path, tmp_path / "no weights") == []
    config = text_format.Parse((tmp_path / "raw" / "config.pbtxt").read_text(), ModelConfig())
    assert tensors(config.output) == [("PROBABILITIES", FP32, [3])]
    assert (tmp_path / "raw_cnn" / "labels.txt").read_text() == "cat\ndog\nbird\n"
    assert "class_descriptions" not in config.parameters
    preprocess = text_format.Parse((tmp_path / "preprocess" / "config.pbtxt").read_text(), ModelConfig())
    assert list(preprocess.model_warmup[0].inputs["IMAGE"].dims) == [77]


def test_clients_learn_names_and_advice_of_the_classes_from_the_ensemble() -> None:
    descriptions = {CLASSES[0]: ClassDescription(names={"uk": "скло"}, advice={"en": 'By "colour".'})}
    files = render_repository(CLASSES, size=SIZE, warmup_bytes=1, cards={}, descriptions=descriptions)
    for name in NETWORK_MODELS:
        config = text_format.Parse(files[Path(name, "config.pbtxt")], ModelConfig())
        document = json.loads(config.parameters["class_descriptions"].string_value)
        assert document[CLASSES[0]]["names"] == {"uk": "скло"}
        assert document[CLASSES[0]]["advice"] == {"en": 'By "colour".'}


def test_clients_learn_about_the_weights_from_the_ensemble() -> None:
    card = ModelCard(
        model_type="raw",
        classes=CLASSES,
        weights_sha256="0123456789abcdef" * 4,
        parameters=1,
        preprocessing={},
        date="2026-11-23",
        training={},
        calibration=Calibration(temperature=1.2, confidence_threshold=0.54321),
        metrics={},
        places=PlacesReport(
            places={
                "bin": PlaceReport(
                    count=4, accuracy=1 / 3, balanced_accuracy=0.5, sure=0.5, right_when_sure=None, confusion=((4,),)
                )
            },
            mean=PlacesMean(places=1, accuracy=1 / 3, balanced_accuracy=0.5, sure=0.5, right_when_sure=None),
            held_out=("bin",),
            held_out_mean=None,
        ),
        drift_reference=DriftReference(
            count=3,
            class_shares={'a "quoted" näme': 1 / 3},
            confidence_deciles=(0.5,),
            low_confidence_share=0.1,
            brightness_deciles=(127.00001,),
        ),
    )
    files = render_repository(CLASSES, size=SIZE, warmup_bytes=1, cards={"raw": card})
    configs = {name: text_format.Parse(files[Path(name, "config.pbtxt")], ModelConfig()) for name in NETWORK_MODELS}
    parameters = {key: value.string_value for key, value in configs["raw"].parameters.items()}
    assert parameters["weights_digest"] == "0123456789ab"
    assert parameters["confidence_threshold"] == "0.5432"
    assert json.loads(parameters["metrics"]) == {}
    bin_ = json.loads(parameters["places"])["places"]["bin"]
    assert (bin_["count"], bin_["accuracy"], bin_["right_when_sure"]) == (4, 0.3333, None)
    assert "confusion" not in bin_
    assert json.loads(parameters["drift_reference"])["class_shares"] == {'a "quoted" näme': 0.3333}
    assert not configs["pretrained"].parameters
