"""Readers of data files against tiny files written in the real formats, whole and broken."""

import gzip
import struct

import numpy as np
import pytest

from jaxprune.datasets import known as datasets
from jaxprune.sweep.experiment import load_file
from tests.places import sim

RNG = np.random.default_rng(0)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def cifar(images, labels):
    return b"".join(bytes([y]) + x.transpose(2, 0, 1).tobytes() for x, y in zip(images, labels, strict=True))


def write_mnist(folder, packed=False):
    """Five training and three test images; returns all pixels and labels."""
    images = RNG.integers(0, 256, (8, 28, 28), dtype="u1")
    labels = np.array([3, 0, 9, 1, 5, 2, 2, 7], "u1")
    for part, chosen in (("train", slice(5)), ("t10k", slice(5, 8))):
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            raw = idx(array[chosen])
            file = folder / f"{part}-{name}-ubyte{'.gz' if packed else ''}"
            file.write_bytes(gzip.compress(raw) if packed else raw)
    return images, labels


def write_cifar10(folder, batches=(1, 2, 3, 4, 5), packed=False):
    """Two images per batch."""
    images, labels = RNG.integers(0, 256, (2 * len(batches) + 2, 32, 32, 3), dtype="u1"), []
    for i, name in enumerate([*(f"data_batch_{b}.bin" for b in batches), "test_batch.bin"]):
        labels += [i % 10, 9]
        raw = cifar(images[2 * i : 2 * i + 2], labels[-2:])
        (folder / f"{name}{'.gz' if packed else ''}").write_bytes(gzip.compress(raw) if packed else raw)
    return images, np.array(labels)


def check(found, images, labels):
    inputs, one_hot = found
    assert inputs.dtype == one_hot.dtype == np.float32
    np.testing.assert_allclose(inputs, images / 255, rtol=1e-6)
    np.testing.assert_array_equal(one_hot, np.eye(10)[labels])


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    images, labels = write_mnist(tmp_path, packed)
    check(datasets.mnist(tmp_path), images.reshape(8, 784), labels)
    check(datasets.mnist(str(tmp_path)), images.reshape(8, 784), labels)


def test_the_network_experiment_takes_a_folder(tmp_path):
    write_mnist(tmp_path)
    experiment = load_file(sim("network_double_descent"))
    problem = experiment.make(data=str(tmp_path), n=5, label_noise=0.2, rate=0.01, steps=3)
    assert problem.data.inputs.shape == (8, 784)
    assert np.mean(np.asarray(problem.data.inputs) ** 2) == pytest.approx(1, rel=1e-5)
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        experiment.make(data=str(tmp_path / "nowhere"), n=5, label_noise=0.2, rate=0.01, steps=3)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("batches", [(1, 2, 3, 4, 5), (2,), (1, 5)])
def test_cifar10(tmp_path, packed, batches):
    images, labels = write_cifar10(tmp_path, batches, packed)
    check(datasets.cifar10(tmp_path), images, labels)


def test_idx_of_every_type(tmp_path):
    for code, kind in datasets.IDX_TYPES.items():
        array = np.arange(6).reshape(2, 3).astype(kind)
        (tmp_path / "a").write_bytes(b"\0\0" + bytes([code, 2]) + struct.pack(">2I", 2, 3) + array.tobytes())
        found = datasets.read_idx(tmp_path / "a")
        assert found.dtype == np.dtype(kind) and np.array_equal(found, array)


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", "not the magic number"),
        (b"\0\0\x07\x01\0\0\0\0", "not the magic number"),
        (b"PK\x03\x04", "50 4b 03 04, which is not the magic number"),
        (b"\0\0\x08\x03\0\0", "end before the 3 sizes"),
        (idx(np.zeros((2, 3), "u1"))[:-1], "17 bytes, but an array of shape .2, 3. takes 18"),
        (idx(np.zeros((2, 3), "u1")) + b"\0", "19 bytes"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "takes 3402823"),
        (gzip.compress(idx(np.zeros((2, 3), "u1")), mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_bad_idx(tmp_path, raw, words):
    (tmp_path / "bad").write_bytes(raw)
    with pytest.raises(ValueError, match=f"bad: .*{words}"):
        datasets.read_idx(tmp_path / "bad")


@pytest.mark.parametrize(
    "raw, words",
    [
        (b"", "0 bytes are no multiple of 3073"),
        (b"\0" * 3072, "3072 bytes are no multiple of 3073"),
        (b"\x0a" + b"\0" * 3072, "holds the label 10"),
        (gzip.compress(b"\0" * 3073, mtime=0)[:-4], "damaged gzip"),
    ],
)
def test_bad_cifar10(tmp_path, raw, words):
    (tmp_path / "bad.bin").write_bytes(raw)
    with pytest.raises(ValueError, match=f"bad.bin: .*{words}"):
        datasets.read_cifar10(tmp_path / "bad.bin")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not hold train-images-idx3-ubyte, with or without .gz"):
        datasets.mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not hold any of data_batch_1.bin to data_batch_5.bin"):
        datasets.cifar10(tmp_path / "nowhere")
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte"):
        datasets.mnist(tmp_path)
    write_cifar10(tmp_path)
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(FileNotFoundError, match="test_batch.bin"):
        datasets.cifar10(tmp_path)


@pytest.mark.parametrize(
    "name, array, words",
    [
        ("train-labels-idx1-ubyte", np.zeros(4, "u1"), r"\(4,\) are not the labels of images of shape \(5, 28, 28\)"),
        ("train-labels-idx1-ubyte", np.zeros((5, 1), "u1"), "are not the labels"),
        ("train-labels-idx1-ubyte", np.full(5, 10, "u1"), "holds the label 10"),
        ("train-images-idx3-ubyte", np.zeros((5, 784), "u1"), "are not the labels"),
        ("t10k-images-idx3-ubyte", np.zeros((3, 8, 8), "u1"), "differ in size"),
    ],
)
def test_mnist_files_that_do_not_fit(tmp_path, name, array, words):
    write_mnist(tmp_path)
    (tmp_path / name).write_bytes(idx(array))
    with pytest.raises(ValueError, match=words):
        datasets.mnist(tmp_path)


def write_ecg5000(folder, kind=".txt"):
    """Four training and three test heartbeats; returns the whole table, the class first."""
    table = np.c_[[1.0, 2, 5, 1, 3, 4, 1], RNG.standard_normal((7, 140))]
    for name, part in (("ECG5000_TRAIN", table[:4]), ("ECG5000_TEST", table[4:])):
        file = folder / f"{name}{kind}"
        if kind == ".npy":
            np.save(file, part)
            continue
        gap = {".txt": "  ", ".txt.gz": ",", ".tsv": "\t"}[kind]
        text = "\n".join(gap.join(f"{v:.17e}" for v in row) for row in part).encode()
        file.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    return table


@pytest.mark.parametrize("kind", [".txt", ".txt.gz", ".tsv", ".npy"])
def test_ecg5000(tmp_path, kind):
    table = write_ecg5000(tmp_path, kind)
    inputs, labels = datasets.ecg5000(tmp_path)
    np.testing.assert_array_equal(inputs, table[:, 1:])
    np.testing.assert_array_equal(labels, np.c_[table[:, 0] == 1, table[:, 0] != 1])
    for name in ("heavy_tailed_sgd", "released_code"):
        found, classes = load_file(sim(name)).images(f"ecg5000:{tmp_path}")
        assert found.shape == (7, 140) and classes.shape == (7, 2)


@pytest.mark.parametrize(
    "row, words",
    [
        ("1 2 3", "shape .1, 3. is not that"),
        ("1 x", "not a table of numbers"),
        ("6 " + "0 " * 140, "class 6"),
        ("1 nan " + "0 " * 139, "finite"),
    ],
)
def test_bad_ecg5000(tmp_path, row, words):
    write_ecg5000(tmp_path)
    (tmp_path / "ECG5000_TEST.txt").write_text(row)
    with pytest.raises(ValueError, match=f"ECG5000_TEST.txt: .*{words}"):
        datasets.ecg5000(tmp_path)


def test_missing_ecg5000(tmp_path):
    with pytest.raises(FileNotFoundError, match="ECG5000_TRAIN.txt, .tsv or .npy"):
        datasets.ecg5000(tmp_path)


def test_synthetic_signals_are_two_classes_that_can_be_told_apart():
    signals, labels = datasets.synthetic_two_class_signals(400, seed=1)
    assert signals.shape == (400, 140) and labels.shape == (400, 2) and labels.sum(0).tolist() == [200, 200]
    again, other = (datasets.synthetic_two_class_signals(400, seed=s)[0] for s in (1, 2))
    assert np.array_equal(signals, again) and not np.array_equal(signals, other)
    first, last = labels[:200, 1] == 1, labels[200:, 1] == 1
    means = [signals[:200][chosen].mean(0) for chosen in (~first, first)]
    distance = [((signals[200:] - mean) ** 2).sum(1) for mean in means]
    assert 0.8 < np.mean((distance[1] < distance[0]) == last) < 1.0
    for samples in (1, 2.0, True):
        with pytest.raises(ValueError, match="^samples: "):
            datasets.synthetic_two_class_signals(samples, seed=0)


@pytest.mark.parametrize("name", ["heavy_tailed_sgd", "released_code"])
def test_data_of_an_unknown_name_are_not_digits(name):
    with pytest.raises(ValueError, match="data: 'cifar100'"):
        load_file(sim(name)).images("cifar100")


@pytest.mark.parametrize("name", ["heavy_tailed_sgd", "released_code"])
def test_networks_under_noise_take_images_of_your_own(tmp_path, name):
    images, _ = write_cifar10(tmp_path, (1,), False)
    inputs, labels = load_file(sim(name)).images(f"cifar10:{tmp_path}")
    assert inputs.shape == (len(images), 3072) and len(labels) == len(images)


SIMS = ["heavy_tailed_sgd", "released_code", "trained_layer_tails"]


def loaded(name):
    return load_file(sim(name))


OWN, CLASSES = RNG.standard_normal((600, 3)), np.array([7, 2, 2, 5] * 150)


def write_own(folder, kind, inputs=OWN, labels=CLASSES):
    file = folder / f"own.{kind}"
    if kind == "npz":
        np.savez(file, inputs=inputs, labels=labels)
    else:
        header = {"csv": "", "header.csv": '"a",b,0,class\n', "csv.gz": "\ufeffa,b,c,d\n"}[kind]
        text = header + "".join(
            ",".join(map(repr, [*map(float, row), int(k)])) + "\n" for row, k in zip(inputs, labels, strict=True)
        )
        file.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    return f"{kind.removeprefix('header.').removesuffix('.gz')}:{file}"


@pytest.mark.parametrize("kind", ["npz", "csv", "header.csv", "csv.gz"])
def test_data_of_your_own(tmp_path, kind):
    data = write_own(tmp_path, kind)
    inputs, labels = datasets.named(data)
    np.testing.assert_array_equal(inputs, OWN)
    np.testing.assert_array_equal(labels, CLASSES[:, None] == [2, 5, 7])
    for name in SIMS:
        found, classes = loaded(name).images(data)
        assert found.shape == (600, 3) and np.all(classes.sum(1) == 1)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(labels=CLASSES[1:]), r"inputs of shape \(600, 3\) and labels of shape \(599,\)"),
        (dict(labels=np.eye(3)[[0, 1, 2] * 200]), r"labels of shape \(600, 3\)"),
        (dict(inputs=OWN[:, 0]), r"inputs of shape \(600,\)"),
        (dict(inputs=OWN[:0], labels=CLASSES[:0]), r"inputs of shape \(0, 3\)"),
        (dict(labels=CLASSES + 0.5), "the label 7.5 is no class"),
        (dict(labels=np.where(CLASSES > 2, np.inf, 0)), "the label inf is no class"),
        (dict(labels=CLASSES.astype(str)), "labels <U"),
        (dict(labels=CLASSES.astype(object)), "not an archive"),
        (dict(labels=CLASSES * 0 + 4), "all samples are of class 4"),
        (dict(inputs=np.where(OWN > 0, np.nan, OWN)), "of the inputs are NaN or infinite"),
        (dict(inputs=np.full((600, 3), 2)), "all inputs are 2"),
    ],
    ids=str.split("counts one-hot flat empty fraction infinite text objects one-class nan constant"),
)  # fmt: skip
def test_bad_archives_of_your_own(tmp_path, change, words):
    with pytest.raises(ValueError, match=f"own.npz: .*{words}"):
        datasets.named(write_own(tmp_path, "npz", **change))


@pytest.mark.parametrize("raw", [b"", b"1,2,3", b"PK\x03\x04", b"\x93NUMPY", gzip.compress(b"1", mtime=0)[:-2]])
def test_what_is_no_archive(tmp_path, raw):
    (tmp_path / "own.npz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"own.npz: (not an archive|a damaged gzip)"):
        datasets.named(f"npz:{tmp_path / 'own.npz'}")


def test_archives_with_other_names_and_missing_files(tmp_path):
    np.savez(tmp_path / "own.npz", x=OWN, y=CLASSES)
    with pytest.raises(ValueError, match="own.npz: holds x, y; name the arrays inputs and labels"):
        datasets.named(f"npz:{tmp_path / 'own.npz'}")
    np.save(tmp_path / "own.npy", OWN)
    with pytest.raises(ValueError, match="own.npy: not an archive"):
        datasets.named(f"npz:{tmp_path / 'own.npy'}")
    for kind in ("npz", "csv"):
        with pytest.raises(FileNotFoundError, match="nowhere is no file"):
            datasets.named(f"{kind}:{tmp_path / 'nowhere'}")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", r"inputs of shape \(0, 0\)"), ("a,b,c", r"inputs of shape \(0, 0\)"), ("1\n2\n", r"inputs of shape \(2, 0\)"),
        ("1,2,0\n3,x,1\n", "not a table of numbers .*'x'"), ("1,2,0\n3,1\n", "not a table of numbers"),
        ("1,,0\n", "not a table of numbers"), ("1,2,0.5\n2,3,1\n", "the label 0.5 is no class"), ("1;2;0\n3;4;1\n", "between commas"),
        ("1,nan,0\n3,4,1\n", "1 of the inputs are NaN"), ("1,2,0\n3,4,nan\n", "the label nan is no class"),
    ],
)  # fmt: skip
def test_bad_text_of_your_own(tmp_path, text, words):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(ValueError, match=f"own.csv: .*{words}"):
        datasets.named(f"csv:{tmp_path / 'own.csv'}")


def test_an_unknown_name_lists_all():
    for name in ("digits", "synthetic", "npz:FILE", "csv:FILE", "mnist:FOLDER", "cifar10:FOLDER", "ecg5000:FOLDER"):
        with pytest.raises(ValueError, match=f"data: 'cifar100' is unknown; .*{name}"):
            datasets.named("cifar100")


@pytest.mark.parametrize(
    "classes, first", [(2, [0]), (3, [0]), (4, [0, 1]), (5, [0, 1]), (10, [0, 1, 2, 3, 4]), (11, [0, 1, 2, 3, 4])]
)
def test_classes_are_split_in_halves(tmp_path, classes, first):
    kinds = np.arange(600) % classes
    _, labels = loaded("heavy_tailed_sgd").images(write_own(tmp_path, "npz", labels=kinds))
    np.testing.assert_array_equal(labels, np.stack([np.isin(kinds, first), ~np.isin(kinds, first)], axis=1))


def test_digits_are_split_below_five():
    _, digits = datasets.digits()
    _, labels = loaded("heavy_tailed_sgd").images("digits")
    np.testing.assert_array_equal(labels, np.stack([digits[:, :5].sum(1), digits[:, 5:].sum(1)], axis=1))


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("heavy_tailed_sgd", dict(noise="none", alpha=2.0, sigma=0.0, step_size=1.0)),
        ("released_code", dict(noise="none", alpha=2.0, sigma=0.0, step_size=1.0, width=5)),
        ("trained_layer_tails", dict(depth=3, width=5, batch=128, ratio=0.01)),
    ],
)
def test_small_sets_leave_something_to_train_on(tmp_path, name, arguments):
    few = write_own(tmp_path, "npz", OWN[:400], CLASSES[:400])
    with pytest.raises(ValueError, match="^data: 400 samples; 450 of them would be kept for the test"):
        loaded(name).make(few, **arguments)
    many = write_own(tmp_path, "csv", np.tile(OWN, (2, 1)), np.tile(CLASSES, 2))
    assert loaded(name).make(many, **arguments).data.n == 750


def test_training_takes_a_mini_batch():
    assert datasets.training_count(578, 450, 128) == 128
    with pytest.raises(ValueError, match="^data: 577 samples; 450 .* use at least 578"):
        datasets.training_count(577, 450, 128)


def frame(columns, header=True, index=False, shuffled=False, names=None):
    """Text as pandas writes it."""
    names = [str(i) for i in range(len(columns))] if names is None else names
    rows = [[str(i) if index else None, *map(repr, row)] for i, row in enumerate(zip(*columns, strict=True))]
    if shuffled:
        rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    head = [[""] * index + names] if header else []
    return "".join(",".join(cell for cell in row if cell is not None) + "\n" for row in [*head, *rows])


N = 30
FEATURES = [[float(x) for x in column] for column in np.random.default_rng(3).standard_normal((3, N))]
KINDS = [i * 7 % 3 % 2 for i in range(N)]
GOOD = [*FEATURES, KINDS]


def read_text(folder, text):
    (folder / "own.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return datasets.named(f"csv:{folder / 'own.csv'}")


@pytest.mark.parametrize(
    "text",
    [
        frame(GOOD, header=False), frame(GOOD, names=["a", "b", "c", "class"]), frame(GOOD, names=["0", "1", "2", "class"]),
        frame(GOOD, names=['"x, y"', "1", "c", '"kind"']), "\ufeff" + frame(GOOD, header=False),
        frame(GOOD, header=False).replace("\n", "\r\n") + "\r\n\r\n", frame(GOOD, header=False) + ",,,\n , ,,\n\n",
        frame(GOOD, header=False).replace(",", '","').replace("\n", '"\n"').join(['"', ""])[:-1], "\n" + frame(GOOD, header=False),
        frame(GOOD, header=False).replace(",", " , "),
    ],
    ids=str.split("plain names numbers-and-class quoted-names bom windows empty-rows-at-the-end quoted blank-line spaces"),
)  # fmt: skip
def test_text_that_can_be_read_in_one_way_only(tmp_path, text):
    inputs, labels = read_text(tmp_path, text)
    np.testing.assert_array_equal(inputs, np.transpose(FEATURES))
    np.testing.assert_array_equal(labels, np.eye(2)[KINDS])


IDS, FIRST = list(range(N)), list(range(1, N + 1))
MIXED = [FIRST[i * 7 % N] for i in range(N)]


@pytest.mark.parametrize(
    "text, words",
    [
        (frame(GOOD), "the first line, 0,1,2,3, may be names .*header=False.*line of names above it"),
        (frame(GOOD, names=["1", "2", "3", "4"]), "the first line, 1,2,3,4, may be names"),
        (frame(GOOD, names=["0.0", "1.0", "2.0", "3.0"]), "the first line, 0.0,1.0,2.0,3.0, may be names"),
        (frame([[float(i % 2)] * 9 for i in range(9)] + [[0, 1] * 4 + [0]]), "the first line, 0,1,2,...,9, may be names"),
        (frame(GOOD, index=True), "the first column, '', is an index"),
        (frame(GOOD, index=True, names=["a", "b", "c", "class"]), "the first column, '', is an index .*index=False"),
        (frame([IDS, *GOOD], names=["Unnamed: 0", "a", "b", "c", "class"]), "'Unnamed: 0', is an index"),
        (frame([MIXED[::-1], *GOOD], names=["id", "a", "b", "c", "class"]), "'id', is an index"),
        (frame(GOOD, header=False, index=True), "column 1 counts the 30 rows.*index=False.*npz"),
        (frame(GOOD, header=False, index=True, shuffled=True), "column 1 counts the 30 rows"),
        (frame([FIRST, *GOOD], names=["number", "a", "b", "c", "class"]), "column 1, 'number', counts the 30 rows"),
        (frame([*FEATURES, FIRST, KINDS], header=False), "column 4 counts the 30 rows"),
        (frame([KINDS, *FEATURES[:2], IDS], names=["class", "a", "b", "n"]), "the last column is 'n'; put the class there"),
    ],
    ids=str.split(
        "made-up from-one floats long index-and-made-up index unnamed id no-header shuffled named not-first class-first"
    ),
)  # fmt: skip
def test_text_that_may_be_read_in_two_ways(tmp_path, text, words):
    with pytest.raises(ValueError, match=f"own.csv: .*{words}"):
        read_text(tmp_path, text)


@pytest.mark.parametrize(
    "text, words",
    [
        ("1;2;0\n3;4;1\n", "line 2 has ';' between its cells"), ("a;b;class\n1,5;2;0\n3;4;1\n", "line 2 has ';'"),
        ("1\t2\t0\n3\t4\t1\n", r"line 2 has '\\t' between"), ("1 2 0\n3 4 1\n", "line 2: column 1, '3 4 1', is no number"),
        ("5,2,0\n3,,1\n", "line 2: column 2 is empty; fill it"), ("5,2,\n3,1,1\n", "line 1: column 3 is empty"),
        ("5,2,0\n3,1\n", "line 2 has 2 columns, line 1 3"), ("5,2,0\n\n3,1,1,4\n", "line 3 has 4 columns, line 1 3"),
        ("a,b,class\n5,2,0\n3,NA,1\n", "line 3: column 2, 'NA', is no number"), ("5,2,cat\n3,1,dog\n", "line 1: column 3, 'cat'"),
        ("5,2,?\n3,1,1\n4,1,0\n", "line 1: column 3, '.', is no number"), ("x,2,0\n3,1,1\n", "line 1: column 1, 'x'"),
        ("a,b\n5,2,0\n3,1,1\n", "2 names above 3 columns"), ("5,1_000,0\n3,1,1\n", "column 2, '1_000'"),
        ('5,"1,000",0\n3,1,1\n', "column 2, '1,000'"), (",2,0\n3,1,1\n", "line 1: column 1 is empty"),
        ("5,2,0\n,,\n3,1,1\n", "line 2: column 1 is empty"), ("5,0x10,0\n3,1,1\n", "column 2, '0x10'"),
        ("5,2,0\n3,1,1\n".encode("utf-16"), "save it as text in UTF-8"), ("5,2,0\n3,\0,1\n", "line 2: column"),
        ("5,1e400,0\n3,1,1\n", "1 of the inputs are NaN or infinite"), ("5,2,1.5\n3,1,2.5\n", "a target that is measured"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_read_says_where(tmp_path, text, words):
    with pytest.raises(ValueError, match=f"own.csv: .*{words}"):
        read_text(tmp_path, text)


@pytest.mark.parametrize("kind", ["npz", "csv"])
@pytest.mark.parametrize(
    "labels, words",
    [
        (np.random.default_rng(0).permutation(600), "600 classes in 600 samples, 600 of them with a single one"),
        (np.arange(600) * 37 % 200, "200 classes in 600 samples, 0 of them"),
        (np.round(np.random.default_rng(0).normal(2e5, 5e4, 600)), "[0-9]+ classes in 600 samples.*a target that is measured"),
        (np.r_[np.zeros(570, int), np.arange(30)], "30 classes in 600 samples, 29 of them"),
    ],
    ids=["rows", "few-each", "prices", "single"],
)
def test_labels_that_are_no_classes(tmp_path, kind, labels, words):
    with pytest.raises(ValueError, match=f"own.{kind}: {words}"):
        datasets.named(write_own(tmp_path, kind, labels=labels))


@pytest.mark.parametrize("count, classes", [(600, 100), (20, 4), (12, 6), (3, 2)])
def test_few_samples_of_a_class_are_classes(tmp_path, count, classes):
    kinds = np.arange(count) % classes
    assert datasets.named(write_own(tmp_path, "npz", OWN[:count], kinds))[1].shape == (count, classes)


def test_an_archive_is_taken_as_it_is(tmp_path):
    counting = np.c_[np.arange(600.0), OWN]
    np.testing.assert_array_equal(datasets.named(write_own(tmp_path, "npz", counting))[0], counting)
    with pytest.raises(ValueError, match="column 1 counts the 600 rows"):
        datasets.named(write_own(tmp_path, "csv", counting))
    ranks = np.argsort(np.argsort(OWN, axis=0), axis=0).astype(float)  # every column counts: none is an index
    np.testing.assert_array_equal(datasets.named(write_own(tmp_path, "csv", ranks))[0], ranks)


@pytest.mark.parametrize(
    "samples, tested, batch, left",
    [(150, 0.2, 20, 120), (150, 30, 120, 120), (150, 30.0, 1, 120), (10, 0.01, 9, 9), (1797, 450.0, 256, 1347)],
)
def test_the_test_share_and_the_batch_are_options(samples, tested, batch, left):
    assert datasets.training_count(samples, tested, batch) == left


@pytest.mark.parametrize(
    "name, arguments",
    [
        *(("tested", (150, bad, 10)) for bad in (0, -1, 1.5, np.nan, np.inf, True)), *(("batch", (150, 10, bad)) for bad in (0, 2.5)),
        ("data: 150 samples; 30 .* use at least 151, or a smaller --tested", (150, 0.2, 121)),
        ("data: 4 samples; 4 of them", (4, 4, 1)),
    ],
)  # fmt: skip
def test_bad_shares_are_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}"):
        datasets.training_count(*arguments)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("heavy_tailed_sgd", dict(noise="none", alpha=2.0, sigma=0.0, step_size=1.0)),
        ("released_code", dict(noise="none", alpha=2.0, sigma=0.0, step_size=1.0, width=5)),
        ("trained_layer_tails", dict(depth=3, width=5, ratio=0.01)),
    ],
)
def test_small_sets_are_learnt_with_another_share_and_batch(tmp_path, name, arguments):
    """The options are axes, on which no random number depends."""
    experiment = loaded(name).EXPERIMENT
    assert {"tested", "batch"} <= set(experiment.share) & set(experiment.axes)
    few = write_own(tmp_path, "npz", OWN[:60], CLASSES[:60])
    made = loaded(name).make(few, tested=0.25, batch=9, **arguments)
    assert (made.data.n, made.batch) == (45, 9)
    with pytest.raises(ValueError, match="^data: 60 samples; 450 of them"):
        loaded(name).make(few, **{"batch": 9, **arguments})


@pytest.mark.parametrize("line", ["NA,NA,NA", "NA,3.5,O", "x,nan,class"])
def test_a_first_line_with_a_value_missing_is_no_header(tmp_path, line):
    file = tmp_path / "own.csv"
    file.write_text(line + "\n" + "\n".join(f"{i * i % 7},{i * 3 % 5}.5,{i % 2}" for i in range(30)))
    with pytest.raises(ValueError, match="the first line holds .*: a sample with a value missing"):
        datasets.csv(file)


@pytest.mark.parametrize("name", ["species", "Outcome", "diagnosis"])
def test_a_class_that_comes_first_is_no_input(tmp_path, name):
    file = tmp_path / "own.csv"
    file.write_text(f"{name},a,b\n" + "\n".join(f"{i % 2},{i * i % 7}.5,{i * 3 % 5}" for i in range(30)))
    with pytest.raises(ValueError, match="put the class there"):
        datasets.csv(file)
