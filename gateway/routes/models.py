"""GET /models: what can be asked, whether it answers, and how good it is."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.http.problems import problem_responses
from gateway.inference.protocol import Classifier
from gateway.routes.predict_batch import MAX_FILES
from gateway.settings import Settings
from gateway.triton.types import ModelDescription


class Model(BaseModel):
    """What this gateway has learned of a model so far."""

    name: str = Field(description="The model type, as in the URL.")
    ready: bool = Field(description="It answered within the last ten seconds.")
    version: str | None = Field(description="As in X-Model-Version; null until it has answered.")
    classes: list[str] = Field(description="Empty until it has answered.")
    confidence_threshold: float | None = Field(description="Under it an answer carries X-Confidence: low.")
    metrics: dict[str, dict[str, float]] = Field(description="From the model card, by split and name.")
    places: dict[str, Any] | None = Field(
        description="From the model card: accuracy at other places, their means, and which were held out; null where "
        "that was not measured."
    )
    explains: bool = Field(description="Whether POST /{model_type}/explain works.")


class ClassDescription(BaseModel):
    """What people are shown of a class. What is missing, a client makes up: the label is a name too."""

    color: str | None = Field(None, description="On a light background, as #rrggbb.")
    color_dark: str | None = Field(None, description="On a dark background, as #rrggbb.")
    names: dict[str, str] = Field({}, description="By language, as in HTML's lang.")
    advice: dict[str, str] = Field({}, description="Where such waste goes, by language.")


class Models(BaseModel):
    """The models, and what this gateway accepts."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "models": [
                    {
                        "name": "raw",
                        "ready": True,
                        "version": "1-0123456789ab",
                        "classes": ["glass", "paper", "cardboard", "plastic", "metal", "trash"],
                        "confidence_threshold": 0.5,
                        "metrics": {"test": {"accuracy": 0.5}},
                        "places": None,
                        "explains": True,
                    }
                ],
                "limits": {
                    "max_body_bytes": 20971520,
                    "max_pixels": 64000000,
                    "max_batch_body_bytes": 67108864,
                    "max_batch_files": 32,
                },
                "feedback": False,
                "class_descriptions": {
                    "glass": {
                        "color": "#1d7f4e",
                        "color_dark": "#4fc78d",
                        "names": {"en": "glass", "de": "Glas"},
                        "advice": {"en": "Glass bank, by colour."},
                    }
                },
                "if_in_doubt": None,
            }
        }
    )

    models: list[Model]
    limits: dict[str, int]
    feedback: bool = Field(description="Whether POST /feedback exists.")
    class_descriptions: dict[str, ClassDescription] = Field(
        description="By class, of every model that has answered; from classes.json in the model repository."
    )
    if_in_doubt: str | None = Field(description="What this service's operator says to an answer that is not sure.")


def models_router(settings: Settings, classifier: Classifier) -> APIRouter:
    """Make the router with the one question. It asks nobody: the answer is what the gateway has learned so far."""
    router = APIRouter()
    limits = {
        "max_body_bytes": settings.max_body_bytes,
        "max_pixels": settings.max_pixels,
        "max_batch_body_bytes": settings.max_batch_body_bytes,
        "max_batch_files": MAX_FILES,
    }

    @router.head("/models", include_in_schema=False)
    @router.get(
        "/models",
        tags=["Service"],
        summary="Which models are there, and how good are they?",
        operation_id="models",
        responses={200: {"description": "The models, and what this gateway accepts"}, **problem_responses(401)},
    )
    async def models(response: Response) -> Models:
        """Return the models with readiness, version, classes and the metrics of their cards."""
        response.headers["Cache-Control"] = "no-store"
        ready, described = classifier.readiness(), classifier.described()
        known = [described[name] for name in settings.model_types if name in described]
        return Models(
            models=[_entry(name, ready[name], described.get(name)) for name in settings.model_types],
            limits=limits,
            feedback=settings.feedback_folder is not None,
            class_descriptions={
                label: ClassDescription.model_validate(description)
                for model in known
                for label, description in model.class_descriptions.items()
            },
            if_in_doubt=settings.if_in_doubt,
        )

    return router


def _entry(name: str, ready: bool, model: ModelDescription | None) -> Model:
    model = model or ModelDescription(labels=())
    return Model(
        name=name,
        ready=ready,
        version=model.version(model.version_number) or None,
        classes=list(model.labels),
        confidence_threshold=model.confidence_threshold,
        metrics={split: dict(values) for split, values in model.metrics.items()},
        places=None if model.places is None else dict(model.places),
        explains=model.explains,
    )
