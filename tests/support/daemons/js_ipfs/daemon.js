// The daemon of js-ipfs without its command line: a node on loopback that knows nobody, and its RPC API, /api/v0.
// Arguments: the folder of its repository, and the API's port, 0 for any. Prints where it is, and ends with its stdin.
import { create } from 'ipfs-core'
import { HttpApi } from 'ipfs-http-server'

const [repo, port] = process.argv.slice(2)
const ipfs = await create({
  repo,
  silent: true,
  init: { emptyRepo: true },
  config: {
    Addresses: { Swarm: ['/ip4/127.0.0.1/tcp/0'], API: `/ip4/127.0.0.1/tcp/${port}`, Gateway: '' },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } },
    Routing: { Type: 'none' }
  }
})
const api = new HttpApi(ipfs)
await api.start()
const { addresses } = await ipfs.id()
const where = { api: `/ip4/127.0.0.1/tcp/${api._apiServers[0].info.port}`, swarm: addresses.map(String) }
console.log(JSON.stringify(where))
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
