// node viem_client.mjs URL KEY KEY: what viem 2 can do here.
import { createPublicClient, createTestClient, createWalletClient, decodeEventLog, defineChain, encodeFunctionData, getContract, http, pad, webSocket, zeroHash } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { abi, attempt, bytecode, heard, key, must, url } from "./attempts.mjs";

const socketUrl = url.replace("http", "ws");
const id = await createPublicClient({ transport: http(url) }).getChainId();
const chain = defineChain({
  id,
  name: "local",
  nativeCurrency: { name: "coin", symbol: "C", decimals: 18 },
  rpcUrls: { default: { http: [url], webSocket: [socketUrl] } },
});
const account = privateKeyToAccount(key);
const NOBODY = `0xc1cada${"ff".repeat(17)}`;
const open = createPublicClient({ chain, transport: http(url, { batch: true }), pollingInterval: 50, cacheTime: 0 });
const socket = createPublicClient({ chain, transport: webSocket(socketUrl) });
const wallet = createWalletClient({ account, chain, transport: http(url), pollingInterval: 50 });
const test = createTestClient({ mode: "anvil", chain, transport: http(url) });
const mined = (hash) => open.waitForTransactionReceipt({ hash });

let address;
await attempt("deploys a contract", async () => {
  address = (await mined(await wallet.deployContract({ abi, bytecode }))).contractAddress;
  return address;
});
const note = { address, abi, functionName: "note", args: [7n, "text"] };
const number = { address, abi, functionName: "number" };
const data = encodeFunctionData({ abi, functionName: "number" });
const stateOverride = [{ address, stateDiff: [{ slot: zeroHash, value: pad("0x4d", { size: 32 }) }] }];
const write = async (more = {}) => mined(await wallet.writeContract({ ...note, ...more }));
const told = (watch, act) => {
  let stop;
  return heard((tell) => { stop = watch(tell); return new Promise((done) => setTimeout(done, 300)); }, act).finally(() => stop());
};

await attempt("latest block", async () => (await open.getBlock()).number);
await attempt("block with its transactions", async () => (await open.getBlock({ blockNumber: 1n, includeTransactions: true })).transactions[0].hash);
await attempt("pending block", async () => (await open.getBlock({ blockTag: "pending" })).number);
await attempt("balance", () => open.getBalance({ address: account.address }));
await attempt("code, storage, proof", async () => {
  await open.getStorageAt({ address, slot: "0x0" });
  await open.getProof({ address, storageKeys: [zeroHash] });
  return must((await open.getCode({ address })).length > 100, "code");
});
await attempt("fees", async () => (await open.estimateFeesPerGas()).maxFeePerGas);
await attempt("fee history", async () => (await open.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] })).reward.length);
for (const type of ["legacy", "eip2930", "eip1559"])
  await attempt(`transaction, ${type}`, async () => (await write({ type, ...(type === "eip2930" ? { accessList: [] } : {}) })).status);
await attempt("reads", async () => must((await open.readContract(number)) === 7n, "7"));
await attempt("reads the past", async () => must((await open.readContract({ ...number, blockNumber: 1n })) === 1n, "1"));
await attempt("simulates a write", async () => (await open.simulateContract({ ...note, account })).request.functionName);
await attempt("estimates", () => open.estimateContractGas({ ...note, account }));
await attempt("a contract's own object", () => getContract({ address, abi, client: open }).read.number());
await attempt("a revert's reason", async () => {
  const error = await open.simulateContract({ ...note, args: [0n, "zero"], account }).catch((error) => error);
  return must(/notebook: number is zero/.test(error.shortMessage), error.shortMessage);
});
await attempt("logs of the past", async () => must((await open.getContractEvents({ address, abi, fromBlock: 0n })).length > 2, "logs"));
await attempt("a receipt's logs", async () => decodeEventLog({ abi, ...(await write()).logs[0] }).args.text);
await attempt("a hundred at once", async () =>
  (await Promise.all(Array.from({ length: 100 }, (_, i) => open.getBalance({ address: pad(`0x${(i + 1).toString(16)}`, { size: 20 }) })))).length);
await attempt("a block, polled", () => told((tell) => open.watchBlockNumber({ onBlockNumber: tell }), () => write()));
await attempt("an event, polled", () => told((tell) => open.watchContractEvent({ address, abi, onLogs: (logs) => tell(logs.length) }), () => write()));
await attempt("pending transactions, polled", () => told((tell) => open.watchPendingTransactions({ onTransactions: (all) => tell(all.length) }), () => write()));
await attempt("a block, over a socket", () => told((tell) => socket.watchBlocks({ onBlock: (block) => tell(block.number) }), () => write()));
await attempt("an event, over a socket", () => told((tell) => socket.watchContractEvent({ address, abi, onLogs: (logs) => tell(logs.length) }), () => write()));
await attempt("pending transactions, over a socket", () => told((tell) => socket.watchPendingTransactions({ onTransactions: (all) => tell(all.length) }), () => write()));
await attempt("event filter", async () => {
  const filter = await open.createContractEventFilter({ address, abi, fromBlock: 0n });
  return must((await open.getFilterLogs({ filter })).length > 2 && (await open.uninstallFilter({ filter })), "logs");
});
await attempt("block filter", async () => {
  const filter = await open.createBlockFilter();
  await write();
  return must((await open.getFilterChanges({ filter })).length === 1, "one block");
});
await attempt("pending filter", async () => {
  const filter = await open.createPendingTransactionFilter();
  await write();
  return must((await open.getFilterChanges({ filter })).length === 1, "one transaction");
});
await attempt("state override", async () => must((await open.readContract({ ...number, stateOverride })) === 77n, "77"));
await attempt("block override", async () => (await open.call({ to: address, data, blockOverrides: { number: 100n } })).data);
await attempt("deployless call", async () => (await open.call({ code: "0x60075f5260205ff3", data: "0x" })).data);
await attempt("access list", async () => (await open.createAccessList({ account: account.address, to: address, data })).accessList.length);
await attempt("simulated calls", async () => (await open.simulateCalls({ account: account.address, calls: [{ ...note, to: address }] })).results[0].status);
await attempt("simulated calls and what they move", async () =>
  (await open.simulateCalls({ account: account.address, calls: [{ to: NOBODY, value: 5n }], traceAssetChanges: true })).assetChanges[0].value.diff);
await attempt("simulated blocks", async () => (await open.simulateBlocks({ blocks: [{ calls: [{ to: NOBODY }] }, { calls: [{ to: NOBODY }] }] })).length);
await attempt("sends and waits in one call", async () => (await wallet.sendTransactionSync({ to: NOBODY, value: 1n })).status);
await attempt("test node: balance, nonce, code, storage", async () => {
  await test.setBalance({ address: NOBODY, value: 77n });
  await test.setNonce({ address: NOBODY, nonce: 5 });
  await test.setCode({ address: NOBODY, bytecode: "0x5f545f5260205ff3" });
  await test.setStorageAt({ address: NOBODY, index: 0, value: pad("0x9", { size: 32 }) });
  return must((await open.getBalance({ address: NOBODY })) === 77n && BigInt((await open.call({ to: NOBODY })).data) === 9n, "as set");
});
await attempt("test node: snapshot, mine, revert", async () => {
  const id = await test.snapshot();
  await test.mine({ blocks: 2 });
  await test.revert({ id });
  return open.getBlockNumber();
});
await attempt("test node: pool", async () => JSON.stringify([await test.getTxpoolStatus(), await test.inspectTxpool()]));
await attempt("test node: somebody else's transaction", async () => {
  await test.impersonateAccount({ address: NOBODY });
  return "allowed";
});
await attempt("transaction, eip7702", async () => {
  const authorization = await wallet.signAuthorization({ contractAddress: address, executor: "self" });
  return (await mined(await wallet.sendTransaction({ to: account.address, authorizationList: [authorization] }))).status;
});
await attempt("transaction, eip4844", () =>
  wallet.sendRawTransaction({ serializedTransaction: "0x03f84d8205390180808252089400000000000000000000000000000000000000008080c001e1a0010000000000000000000000000000000000000000000000000000000000000080 0101".replace(" ", "") }));
process.exit(0);
