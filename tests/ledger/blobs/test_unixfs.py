"""UnixFS: the same CIDs as js-ipfs, one blob one digest, and nothing but PeerFault for malformed nodes.

The golden CIDs were made with npm ipfs-unixfs-importer 17.1.1 on node 20: `importer([{content}], blockstore,
{rawLeaves: true, cidVersion: 1, leafType: "raw", reduceSingleLeafToSelf: true,
chunker: fixedSize({chunkSize: 1048576}), layout: balanced({maxChildrenPerNode: 1024})})`,
where byte i of the content is i % 251, or zero.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs.cid import DAG_PB, RAW, cid_of, digest_of
from ledger.blobs.dagpb import LINKS_MAX, BlockLink, MalformedBlob, encode_node, parse_node
from ledger.blobs.unixfs import (
    CHUNK_BYTES,
    BlobTooLarge,
    Dag,
    Part,
    _append_parent,
    _tsize,
    build_dag,
    parse_children,
    parse_root,
    read_dag,
    walk,
)

pytestmark = pytest.mark.rule("R6")

GOLDEN = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    1: "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
    CHUNK_BYTES - 1: "bafkreielkxdkfu2eicjkgfuykayoada6n6dar2xzclejnxxhyn2niqhnce",
    CHUNK_BYTES: "bafkreidddocae7lltzjlkooe5a3tmiwsgazn7logjvqk7bzttsidpzhxne",
    CHUNK_BYTES + 1: "bafybeidjogjfwuhbzwopgd4bn3skcf5m6oz72xshywcndzxgqb623nfclu",
    5 * CHUNK_BYTES: "bafybeif3cqzr34eco3pr3jiypjq5j5ine35czekpyoa6q5uvwecywczeem",
    5 * CHUNK_BYTES + 7: "bafybeihy7bim22kxffmtbte3avvzbwyyyjidvhaebjckpy4xkkxtuwdwga",
}
# (chunks of zeros, zero bytes after them): one and two levels of nodes without building gigabytes.
GOLDEN_ZEROS = {
    (1024, 0): "bafybeibqawkaltgjfdebq4no6nmfcvkcw7k52xqzclkwfmrkn6oxw7srmy",
    (1024, 1): "bafybeigx4uyebjbq65346xh6cjrt6yshbdudzudhnqecwbzvymslxj7gje",
    (1025, 0): "bafybeigt7wofv4vnxbg3titijasuw4ptg5kfztec4smsk7opdt7z6djoxq",
    (1500, 5): "bafybeigniwg5njaoslfbgkq4nwrd3srum3arwqsmd2dumdscaxndffd7xe",
}
SIZES = [2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES, 5 * CHUNK_BYTES + 7]
BIG = 1 << 40


def counting(size_bytes: int) -> bytes:
    return (bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]


def blob(size_bytes: int) -> bytes:
    return b"FM" + counting(size_bytes - 2)


def blocks_of(dag: Dag) -> dict[bytes, bytes]:
    return {digest: data for digest, _, data in dag.blocks()}


@pytest.mark.rule("R6.1", "R6.3")
@pytest.mark.parametrize("size_bytes", GOLDEN)
def test_the_cids_are_those_of_js_ipfs(size_bytes: int) -> None:
    dag = build_dag(counting(size_bytes))
    assert cid_of(dag.root, dag.codec).text == GOLDEN[size_bytes]


@pytest.mark.rule("R6.2")
@pytest.mark.parametrize("shape", GOLDEN_ZEROS)
def test_two_levels_of_nodes_have_the_cids_of_js_ipfs(shape: tuple[int, int]) -> None:
    chunks, tail = shape
    leaf = (BlockLink(digest_of(bytes(CHUNK_BYTES)), RAW, CHUNK_BYTES), CHUNK_BYTES)
    level = [leaf] * chunks + [(BlockLink(digest_of(bytes(tail)), RAW, tail), tail)] * (tail > 0)
    nodes: list[Any] = []
    while len(level) > 1:
        level = [_append_parent(level[at : at + LINKS_MAX], nodes) for at in range(0, len(level), LINKS_MAX)]
    root, size = level[0]
    assert cid_of(root.digest, DAG_PB).text == GOLDEN_ZEROS[shape]

    # The reader agrees about the shape and about how many bytes all blocks have.
    found = {node.digest: node.data for node in nodes}
    top = parse_root(root.digest, found[root.digest], BIG)
    parts = parse_children(top, found[root.digest])
    assert sum(part.size_bytes for part in parts) == size
    assert _tsize(top.height, size) == root.tsize
    for part in parts:
        if part.height:
            assert sum(below.size_bytes for below in parse_children(part, found[part.digest])) == part.size_bytes


@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_blob_reads_back_as_it_was(size_bytes: int) -> None:
    content = blob(size_bytes)
    dag = build_dag(content)
    assert read_dag(dag.root, blocks_of(dag).__getitem__, size_bytes) == content
    assert dag.size_bytes == size_bytes
    assert dag.digests == tuple(blocks_of(dag))


@pytest.mark.parametrize("size_bytes", [0, 1])
def test_a_blob_too_short_for_its_magic_is_no_blob(size_bytes: int) -> None:
    dag = build_dag(b"FM"[:size_bytes])
    with pytest.raises(MalformedBlob):
        read_dag(dag.root, blocks_of(dag).__getitem__, BIG)


@pytest.mark.parametrize("size_bytes", [10, 2 * CHUNK_BYTES])
def test_a_blob_without_its_magic_is_refused(size_bytes: int) -> None:
    dag = build_dag(counting(size_bytes))
    with pytest.raises(MalformedBlob):
        read_dag(dag.root, blocks_of(dag).__getitem__, BIG)


@pytest.mark.rule("R7")
@pytest.mark.parametrize("size_bytes", [3, 3 * CHUNK_BYTES])
def test_the_root_alone_tells_that_a_blob_is_too_large(size_bytes: int) -> None:
    dag = build_dag(blob(size_bytes))
    with pytest.raises(BlobTooLarge, match=f"{size_bytes} bytes, at most {size_bytes - 1}"):
        parse_root(dag.root, blocks_of(dag)[dag.root], size_bytes - 1)


def test_the_root_comes_last_so_that_it_is_never_alone() -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    assert list(dag.blocks())[-1].digest == dag.root


@pytest.mark.rule("R6.3")
def test_no_dag_pb_node_begins_like_a_blob() -> None:
    with pytest.raises(MalformedBlob):
        parse_node(b"FM" + encode_node([BlockLink(bytes(32), RAW, 1)], [1]))


@pytest.mark.rule("R6.2")
def test_the_same_content_in_a_second_shape_is_refused() -> None:
    halves = [blob(CHUNK_BYTES // 2), counting(CHUNK_BYTES // 2)]
    small = encode_node([BlockLink(digest_of(h), RAW, len(h)) for h in halves], [len(h) for h in halves])
    with pytest.raises(MalformedBlob, match="wrong kind"):
        parse_root(digest_of(small), small, BIG)

    uneven = [blob(CHUNK_BYTES - 1), counting(CHUNK_BYTES)]
    node = encode_node([BlockLink(digest_of(h), RAW, len(h)) for h in uneven], [len(h) for h in uneven])
    part = parse_root(digest_of(node), node, BIG)
    with pytest.raises(MalformedBlob, match="shape"):
        parse_children(part, node)


@pytest.mark.rule("R6.2")
@pytest.mark.parametrize("twist", ["codec", "tsize"])
def test_links_that_misname_what_lies_below_are_refused(twist: str) -> None:
    good = BlockLink(bytes(32), RAW, CHUNK_BYTES)
    bad = good._replace(codec=DAG_PB) if twist == "codec" else good._replace(tsize=1)
    node = encode_node([good, bad], [CHUNK_BYTES, CHUNK_BYTES])
    with pytest.raises(MalformedBlob, match="shape"):
        parse_children(parse_root(digest_of(node), node, BIG), node)


@pytest.mark.rule("R6.1")
def test_a_leaf_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedBlob, match="promised"):
        parse_children(Part(bytes(32), 0, 0, 10), bytes(9))


@pytest.mark.rule("R6.3")
def test_a_raw_root_above_one_chunk_is_refused() -> None:
    data = blob(CHUNK_BYTES + 1)
    with pytest.raises(MalformedBlob, match="wrong kind"):
        parse_root(digest_of(data), data, BIG)


def test_leaves_can_be_listed_without_reading_them() -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    only_root = {dag.root: blocks_of(dag)[dag.root]}
    parts = [part for part, _ in walk(dag.root, only_root.__getitem__, BIG, skip_leaves=True)]
    assert {part.digest for part in parts} == set(dag.digests)


LINK = BlockLink(bytes(32), RAW, 5)
NODE = encode_node([LINK], [5])


@pytest.mark.parametrize(
    "block",
    [
        b"",
        NODE + b"\x00",
        NODE[:-1],
        NODE + NODE,
        NODE[44:] + NODE[:44],
        encode_node([], []),
        encode_node([LINK], [0]),
        encode_node([LINK], [1 << 41]),
        encode_node([LINK] * 2, [5]),
        encode_node([LINK], [5, 5]),
        encode_node([LINK] * (LINKS_MAX + 1), [5] * (LINKS_MAX + 1)),
        NODE.replace(b"\x12\x00", b"\x12\x01a"),
        NODE.replace(b"\x01\x55", b"\x01\x71"),
        NODE.replace(b"\x08\x02", b"\x08\x01"),
        NODE.replace(b"\x18\x05\x20", b"\x18\x06\x20"),
        b"\xff" * 20,
        b"\x12" * (1 << 17),
    ],
)
def test_a_malformed_node_is_the_authors_fault(block: bytes) -> None:
    with pytest.raises(MalformedBlob):
        parse_node(block)


@pytest.mark.rule("R6.2")
@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 1 << 30)), min_size=1, max_size=20))
def test_nodes_encode_and_parse_as_inverses(pairs: list[tuple[bytes, int]]) -> None:
    links = [BlockLink(digest, RAW, size) for digest, size in pairs]
    node = parse_node(encode_node(links, [size for _, size in pairs]))
    assert list(node.links) == links
    assert node.file_size == sum(size for _, size in pairs)


@pytest.mark.rule("R6.2")
@given(st.binary(max_size=300))
def test_any_bytes_are_a_node_or_malformed(block: bytes) -> None:
    try:
        node = parse_node(block)
    except MalformedBlob:
        return
    assert encode_node(node.links, node.blocksizes) == block


@given(st.data())
def test_a_damaged_node_is_another_node_or_malformed(data: st.DataObject) -> None:
    block = bytearray(encode_node([LINK] * 3, [5] * 3))
    for _ in range(data.draw(st.integers(1, 3))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    try:
        node = parse_node(bytes(block))
    except MalformedBlob:
        return
    assert encode_node(node.links, node.blocksizes) == bytes(block)
    assert replace(node) == node
