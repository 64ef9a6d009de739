// node ethers_client.mjs URL KEY KEY: what ethers 6 can do here.
import { setTimeout as pause } from "node:timers/promises";
import { ethers } from "ethers";
import { abi, attempt, bytecode, heard, key, must, other, url } from "./attempts.mjs";

const provider = new ethers.JsonRpcProvider(url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
const socket = new ethers.WebSocketProvider(url.replace("http", "ws"));
const signer = new ethers.Wallet(key, provider);
const wallet = new ethers.NonceManager(signer);
const me = signer.address;
const NOBODY = "0x" + "c1cada" + "ff".repeat(17);
const send = (method, ...params) => provider.send(method, params);

let contract, address, data;
await attempt("chain id and network", async () => Number((await provider.getNetwork()).chainId));
await attempt("deploys a contract", async () => {
  contract = await new ethers.ContractFactory(abi, bytecode, wallet).deploy();
  await contract.waitForDeployment();
  address = await contract.getAddress();
  data = contract.interface.encodeFunctionData("number");
  return address;
});
const override = { [address]: { stateDiff: { [ethers.ZeroHash]: ethers.zeroPadValue("0x4d", 32) } } };
const note = (...more) => contract.note(7, "text", ...more);
const pay = (more = {}) => wallet.sendTransaction({ to: NOBODY, value: 1, ...more });

await attempt("block number", () => provider.getBlockNumber());
await attempt("latest block", async () => (await provider.getBlock("latest")).hash);
await attempt("block with its transactions", async () => (await provider.getBlock(1, true)).prefetchedTransactions[0].hash);
await attempt("pending block", async () => (await provider.getBlock("pending")).number);
await attempt("finalized block", async () => (await provider.getBlock("finalized")).number);
await attempt("fee data", async () => (await provider.getFeeData()).maxFeePerGas);
await attempt("balance", () => provider.getBalance(me));
await attempt("transaction count", () => provider.getTransactionCount(me, "pending"));
await attempt("code", async () => must((await provider.getCode(address)).length > 100, "code"));
await attempt("storage", async () => must(BigInt(await provider.getStorage(address, 0)) === 1n, "slot 0"));
await attempt("proof", async () => (await send("eth_getProof", address, [ethers.ZeroHash], "latest")).storageProof.length);
await attempt("a payment", async () => (await (await pay()).wait()).status);
for (const type of [0, 1, 2]) await attempt(`transaction of type ${type}`, async () => (await (await note({ type })).wait()).status);
await attempt("transaction with an access list", async () =>
  (await (await note({ type: 2, accessList: [{ address, storageKeys: [ethers.ZeroHash] }] })).wait()).status);
await attempt("reads", async () => must((await contract.number()) === 7n, "7"));
await attempt("reads the past", async () => must((await contract.number({ blockTag: 1 })) === 1n, "1"));
await attempt("reads within what is pending", () => contract.number({ blockTag: "pending" }));
await attempt("calls without sending", () => contract.note.staticCall(9, "x"));
await attempt("estimates", () => contract.note.estimateGas(9, "x"));
await attempt("receipt and its logs", async () => {
  const receipt = await (await note()).wait();
  return must(receipt.logs[0].args.text === "text" && (await provider.getTransactionReceipt(receipt.hash)).status === 1, "log");
});
await attempt("waits for a transaction", async () => {
  const waiting = provider.waitForTransaction((await pay()).hash, 1, 10_000);
  // What is mined while ethers begins to wait, it sees with the next block: on a chain in use one comes.
  for (let receipt; !receipt; receipt = await Promise.race([waiting, pause(250)])) await (await pay()).wait();
  return (await waiting).status;
});
await attempt("transaction by hash", async () => (await provider.getTransaction((await (await pay()).wait()).hash)).blockNumber);
await attempt("a revert's reason", async () => {
  const error = await contract.note.estimateGas(0, "zero").catch((error) => error);
  return must(error.reason === "notebook: number is zero", error.message);
});
await attempt("a panic's code", async () => {
  const error = await contract.fail_panic.staticCall().catch((error) => error);
  return must(/OVERFLOW/.test(error.reason), error.message);
});
await attempt("a revert that was sent", async () => {
  const sent = await note({ gasLimit: 100_000 }).then(() => contract.note(0, "zero", { gasLimit: 100_000 }));
  const error = await sent.wait().catch((error) => error);
  return must(error.code === "CALL_EXCEPTION" && error.receipt.status === 0, error.message);
});
await attempt("logs of the past", async () => must((await contract.queryFilter("Noted", 0, "latest")).length > 3, "logs"));
await attempt("logs by an indexed value", async () =>
  must((await contract.queryFilter(contract.filters.Noted(me, 7), 0)).length > 3, "logs"));
await attempt("an event, told", () => heard((tell) => contract.once("Noted", (_, number) => tell(number)), () => note()));
await attempt("a block, told", () => heard((tell) => provider.once("block", tell), () => pay()));
await attempt("a pending transaction, told", () => heard((tell) => provider.once("pending", tell), () => pay()));
await attempt("a block, over a socket", () => heard((tell) => socket.once("block", tell), () => pay()));
await attempt("a log, over a socket", () => heard((tell) => socket.once({ address }, (log) => tell(log.index)), () => note()));
await attempt("a pending transaction, over a socket", () => heard((tell) => socket.once("pending", tell), () => pay()));
await attempt("a hundred at once", async () => {
  const asked = Array.from({ length: 100 }, (_, i) => provider.getBalance(ethers.toBeHex(i + 1, 20)));
  return (await Promise.all(asked)).length;
});
await attempt("a replacement", async () => {
  const lone = new ethers.Wallet(other, provider), fee = 10n ** 10n;
  const fields = { to: NOBODY, nonce: 1, gasLimit: 21_000 };
  await lone.sendTransaction({ ...fields, maxFeePerGas: fee, maxPriorityFeePerGas: fee });
  const second = await lone.sendTransaction({ ...fields, maxFeePerGas: 2n * fee, maxPriorityFeePerGas: 2n * fee });
  await lone.sendTransaction({ to: NOBODY, nonce: 0 });
  return (await second.wait()).status;
});
await attempt("a nonce too low is named", async () => {
  const error = await signer.sendTransaction({ to: NOBODY, nonce: 0 }).catch((error) => error);
  return must(error.code === "NONCE_EXPIRED", error.code);
});
await attempt("missing funds are named", async () => {
  const poor = ethers.Wallet.createRandom(provider);
  const error = await poor.sendTransaction({ to: NOBODY, value: 1 }).catch((error) => error);
  return must(error.code === "INSUFFICIENT_FUNDS", error.code);
});
await attempt("state override", async () =>
  must(BigInt(await send("eth_call", { to: address, data }, "latest", override)) === 77n, "77"));
await attempt("block override", () => send("eth_call", { to: address, data }, "latest", {}, { number: "0x64" }));
await attempt("access list", async () => (await send("eth_createAccessList", { from: me, to: address, data })).accessList.length);
await attempt("simulation", async () =>
  (await send("eth_simulateV1", { blockStateCalls: [{ calls: [{ from: me, to: address, data }] }] }, "latest"))[0].calls[0].status);
await attempt("sends and waits in one call", async () => {
  const fields = await wallet.populateTransaction({ to: NOBODY, value: 1 });
  const receipt = await send("eth_sendRawTransactionSync", await signer.signTransaction({ ...fields, nonce: await wallet.getNonce() }));
  wallet.increment();
  return receipt.status;
});
await attempt("snapshot and revert", async () => must(await send("evm_revert", await send("evm_snapshot")), "reverted"));
await attempt("trace", async () => (await send("debug_traceTransaction", (await provider.getBlock(1)).transactions[0], {})).gas);
await attempt("transaction of type 4", async () => {
  const authorization = await signer.authorize({ address, nonce: (await provider.getTransactionCount(me)) + 1 });
  return (await (await signer.sendTransaction({ type: 4, to: me, authorizationList: [authorization] })).wait()).status;
});
process.exit(0);
