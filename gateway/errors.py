"""What can go wrong between an upload and its answer, free of HTTP and of gRPC.

    GatewayError
    ├── Unauthorized            no API key, or a wrong one
    ├── UnknownModel            a model type that is not served
    ├── CanNotExplain           a model that does not say where it looked
    ├── BadParameter            a header or a query that asks for something impossible
    ├── UploadError
    │   ├── BodyTooLarge        more bytes than a body may have
    │   ├── UploadTimeout       the body came too slowly
    │   ├── ClientGone          the client closed the connection: nobody reads an answer
    │   ├── EncodedBody         compressed as a whole, by Content-Encoding
    │   └── MalformedUpload     neither a photo nor a form, no `file` field, two of them, an empty one
    ├── ImageError
    │   ├── ImageTooLarge       more pixels than are decoded
    │   ├── BrokenImage         an accepted format, but damaged or cut off
    │   └── UnsupportedFormat   no image of an accepted format
    ├── Overloaded
    │   ├── TooManyConcurrent   the gateway's own bounds are reached
    │   └── QueueFull           a queue inside Triton is full
    ├── ModelUnavailable        Triton starting, or the model not ready
    │   └── ConnectionLost      Triton away, or gone while it worked
    ├── DeadlineExceeded        no answer in the time the request has
    ├── FeedbackFull            no more feedback can be kept
    ├── BatchFailed             Triton failed a whole batch; this request need not be the cause
    └── InvalidAnswer           Triton answered, but not with probabilities of the classes

`gateway.triton.errors` maps the errors of tritonclient to these, `gateway.http.problems` maps these to statuses.
"""

# ruff: noqa: N818 (the names say what went wrong; that they are errors is said by the module)

from collections.abc import Sequence

CURL_FORM = "`curl URL -F file=@photo.jpg`"
CURL_FORMS = "Send a form with a field `file` for each photo: `curl URL -F file=@one.jpg -F file=@two.jpg`"
CURL_BODY = "`curl URL --data-binary @photo.jpg -H 'content-type: image/jpeg'`"


class GatewayError(Exception):
    """The base of all. Its text says what happened and what to do, and may be shown to the client."""


class Unauthorized(GatewayError):
    """The request carries no API key, or none of those configured."""

    def __init__(self) -> None:
        super().__init__("Send one of the configured API keys in the header X-API-Key or as Authorization: Bearer.")


class UnknownModel(GatewayError):
    """The path names a model type that is not served."""

    def __init__(self, model_type: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no model type {model_type[:40]!r}. Known model types: {', '.join(known)}.")


class CanNotExplain(GatewayError):
    """Triton has no ensemble that says where the model looked."""

    def __init__(self, model: str) -> None:
        super().__init__(f"The model {model} does not say where it looked: its repository has no {model}_explain.")


class BadParameter(GatewayError):
    """A request header, or the query, has a value that cannot be honoured."""


class UploadError(GatewayError):
    """The body could not be read as an upload of one file."""


class BodyTooLarge(UploadError):
    """The body is longer than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes. Send a smaller or more compressed file.")


class UploadTimeout(UploadError):
    """The body arrived more slowly than a client may send."""

    def __init__(self, received: int, seconds: float) -> None:
        super().__init__(f"Only {received} bytes arrived in {seconds:.0f} seconds. Send the upload again, faster.")


class ClientGone(UploadError):
    """The client closed the connection before it was answered."""

    def __init__(self) -> None:
        super().__init__("The client closed the connection.")


class EncodedBody(UploadError):
    """The body as a whole is compressed."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The body has the Content-Encoding {encoding[:40]!r}. Send it as it is, without this header: {CURL_FORM}."
        )


class MalformedUpload(UploadError):
    """The body is neither a photo nor a multipart form with as many non-empty `file` fields as there may be."""

    def __init__(self, why: str, max_files: int = 1) -> None:
        how = f"Send a form, {CURL_FORM}, or the photo alone, {CURL_BODY}." if max_files == 1 else f"{CURL_FORMS}."
        super().__init__(f"{why} {how}")


class ImageError(GatewayError):
    """The uploaded bytes cannot be classified as an image."""


class ImageTooLarge(ImageError):
    """The header declares more pixels than the gateway lets anyone decode."""

    def __init__(self, width: int, height: int, limit: int) -> None:
        super().__init__(f"The image has {width} x {height} pixels, the limit is {limit}. Scale it down.")


class BrokenImage(ImageError):
    """The file starts like an accepted format but is damaged or cut off."""


def damaged(found: str) -> BrokenImage:
    """Return the error about a file of which a decoder says so."""
    return BrokenImage(f"{found} Send the original file.")


class UnsupportedFormat(ImageError):
    """The bytes are no image of an accepted format."""

    def __init__(self, accepted: Sequence[str]) -> None:
        super().__init__(
            f"The file is no image of an accepted format. Accepted formats: {', '.join(accepted)}. The @ has curl send "
            f"the file and not its name: {CURL_FORM}, or {CURL_BODY}."
        )


class Overloaded(GatewayError):
    """More concurrent work than the service takes on."""

    reason = "overloaded"


class TooManyConcurrent(Overloaded):
    """A bound of the gateway itself is reached; `reason` names which."""

    def __init__(self, reason: str) -> None:
        super().__init__("Too many requests are being served. Send the request again after the time in Retry-After.")
        self.reason = reason


class QueueFull(Overloaded):
    """A queue inside Triton is full."""

    reason = "triton_queue"

    def __init__(self) -> None:
        super().__init__("The model's queue is full. Send the request again after the time in Retry-After.")


class ModelUnavailable(GatewayError):
    """Triton is away or starting, or the model is not ready."""

    def __init__(self, model: str) -> None:
        super().__init__(f"The model {model} cannot answer at the moment. Try again after the time in Retry-After.")


class ConnectionLost(ModelUnavailable):
    """There is no connection to Triton, or it broke before the answer."""


class DeadlineExceeded(GatewayError):
    """The answer did not come in the time that the request has."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"There was no answer within {seconds:g} seconds. Send the request again.")


class FeedbackFull(GatewayError):
    """The folder for feedback holds as much as it may."""

    def __init__(self) -> None:
        super().__init__("No more feedback can be kept at the moment. Whoever runs this service can make room for it.")


class BatchFailed(GatewayError):
    """Triton failed all requests of a batch with one error; the cause may be another request's image."""


class InvalidAnswer(GatewayError):
    """Triton's answer is not a probability for each class."""
