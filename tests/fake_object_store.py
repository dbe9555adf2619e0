"""An object store in memory, as Beam sees one.

There are no directories, a key appears when its writer is closed, and a
rename is a copy and a removal. Importing this makes `fake://` known to Beam.
"""

import io

from apache_beam.io.filesystem import (
    BeamIOError,
    CompressedFile,
    CompressionTypes,
    FileMetadata,
    FileSystem,
)

SCHEME = "fake"


class GoneError(OSError):
    """The store cannot be reached any more."""


class Store:
    """What the store holds, and after how many operations it is gone."""

    def __init__(self):
        self.objects = {}
        self.operations = 0
        self.gone_after = None

    def operate(self):
        self.operations += 1
        if self.gone_after is not None and self.operations > self.gone_after:
            raise GoneError("connection reset")

    def put(self, path, data):
        self.operate()
        self.objects[path] = (data, float(self.operations))

    def get(self, path):
        self.operate()
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path][0]

    def delete(self, path):
        self.operate()
        del self.objects[path]


STORE = Store()


class _Upload(io.BytesIO):
    """Becomes an object when it is closed, after an error too."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def close(self):
        if not self.closed:
            STORE.put(self._path, self.getvalue())
        super().close()


class FakeObjectStore(FileSystem):
    @classmethod
    def scheme(cls):
        return SCHEME

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self):
        return False

    def mkdirs(self, path):
        pass

    def _list(self, dir_or_prefix):
        STORE.operate()
        for path in sorted(STORE.objects):
            if path.startswith(dir_or_prefix):
                yield self.metadata(path)

    def create(
        self,
        path,
        mime_type="application/octet-stream",
        compression_type=CompressionTypes.AUTO,
    ):
        assert compression_type == CompressionTypes.UNCOMPRESSED
        return _Upload(path)

    def open(
        self,
        path,
        mime_type="application/octet-stream",
        compression_type=CompressionTypes.AUTO,
    ):
        stream = io.BytesIO(STORE.get(path))
        if compression_type == CompressionTypes.AUTO:
            compression_type = CompressionTypes.detect_compression_type(path)
        if compression_type == CompressionTypes.UNCOMPRESSED:
            return stream
        return CompressedFile(stream, compression_type=compression_type)

    def copy(self, source_file_names, destination_file_names):
        pairs = zip(source_file_names, destination_file_names, strict=True)
        for source, destination in pairs:
            STORE.put(destination, STORE.get(source))

    def rename(self, source_file_names, destination_file_names):
        self.copy(source_file_names, destination_file_names)
        for source in source_file_names:
            STORE.delete(source)

    def exists(self, path):
        STORE.operate()
        return path in STORE.objects

    def size(self, path):
        return len(STORE.objects[path][0])

    def last_updated(self, path):
        return STORE.objects[path][1]

    def checksum(self, path):
        raise NotImplementedError

    def metadata(self, path):
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths):
        missing = {}
        for path in paths:
            found = [file.path for file in self.match([path])[0].metadata_list]
            if not found:
                missing[path] = FileNotFoundError(path)
            for one in found:
                STORE.delete(one)
        if missing:
            raise BeamIOError("Delete operation failed", missing)
