"""The CRI's ImageService."""

from __future__ import annotations

from dataclasses import dataclass

from nodeagent.cri import cri_pb2 as pb
from nodeagent.cri.channel import Channel
from nodeagent.cri.errors import ImageNotFound, ImagePullFailed, NotFound, RuntimeFailure, Unavailable
from nodeagent.cri.records import Credentials, Image

_SERVICE = "/runtime.v1.ImageService/"


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Where the runtime keeps images and what containers write, and what images take of it, in bytes."""

    mountpoint: str
    used: int
    inodes_used: int


class Images:
    """The images on this node."""

    def __init__(self, channel: Channel):
        self._channel = channel

    async def status(self, image: str) -> Image | None:
        """Return the image a name stands for, or None when it is not here."""
        request = pb.ImageStatusRequest(image=pb.ImageSpec(image=image))
        answer = await self._channel.call(_SERVICE + "ImageStatus", request, pb.ImageStatusResponse)
        return _image(answer.image) if answer.HasField("image") else None

    async def pull(self, image: str, credentials: Credentials | None = None) -> str:
        """Fetch an image and return its reference. Raises ImagePullFailed with the registry's words."""
        request = pb.PullImageRequest(image=pb.ImageSpec(image=image), auth=_auth(credentials))
        try:
            # However long it takes: a slow link is no fault, and containerd itself gives up when nothing moves.
            answer = await self._channel.call(_SERVICE + "PullImage", request, pb.PullImageResponse, timeout=None)
        except Unavailable:
            raise
        except NotFound as error:
            raise ImageNotFound(str(error)) from error
        except RuntimeFailure as error:
            raise ImagePullFailed(str(error)) from error
        return answer.image_ref

    async def list(self) -> tuple[Image, ...]:
        answer = await self._channel.call(_SERVICE + "ListImages", pb.ListImagesRequest(), pb.ListImagesResponse)
        return tuple(_image(item) for item in answer.images)

    async def remove(self, image: str) -> None:
        """Remove an image; a missing one is fine."""
        await self._channel.call(
            _SERVICE + "RemoveImage", pb.RemoveImageRequest(image=pb.ImageSpec(image=image)), pb.Empty
        )

    async def mountpoint(self) -> str:
        """Return a directory on the file system where images and writable layers are kept."""
        return (await self.file_system()).mountpoint

    async def file_system(self) -> ImageFiles:
        """Return where images are kept, and what they take. Raises RuntimeFailure."""
        answer = await self._channel.call(_SERVICE + "ImageFsInfo", pb.Empty(), pb.ImageFsInfoResponse)
        for one in answer.image_filesystems:
            if not one.fs_id.mountpoint:
                continue
            return ImageFiles(one.fs_id.mountpoint, one.used_bytes.value, one.inodes_used.value)
        raise RuntimeFailure("the runtime does not say where it keeps images")


def _image(item: pb.Image) -> Image:
    return Image(
        id=item.id,
        tags=tuple(item.repo_tags),
        digests=tuple(item.repo_digests),
        size=item.size,
        uid=item.uid.value if item.HasField("uid") else None,
        username=item.username,
        pinned=item.pinned,
    )


def _auth(credentials: Credentials | None) -> pb.AuthConfig | None:
    if credentials is None:
        return None
    return pb.AuthConfig(
        username=credentials.username,
        password=credentials.password,
        auth=credentials.auth,
        server_address=credentials.server,
        identity_token=credentials.identity_token,
        registry_token=credentials.registry_token,
    )
