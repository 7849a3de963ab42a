// What mtcute asks of its surroundings: cryptography, one way to reach the server, storage in one
// file, names. Our web client needs the same of a browser.

import { readFileSync, writeFileSync, existsSync } from 'node:fs'
import { createCipheriv, createDecipheriv, createHash, createHmac, pbkdf2, randomFillSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { connectWs } from '@fuman/net'
import {
  IntermediatePacketCodec,
  MemoryAuthKeysRepository,
  MemoryKeyValueRepository,
  MemoryPeersRepository,
  MemoryRefMessagesRepository,
  MemoryStorageDriver,
  ObfuscatedPacketCodec
} from '@mtcute/core'
import { BaseCryptoProvider } from '@mtcute/core/utils.js'
import { deflateMaxSize, getWasmUrl, gunzip, ige256Decrypt, ige256Encrypt, initSync } from '@mtcute/wasm'

export class NodeCrypto extends BaseCryptoProvider {
  initialize() {
    initSync(readFileSync(fileURLToPath(getWasmUrl())))
  }
  sha1 = data => createHash('sha1').update(data).digest()
  sha256 = data => createHash('sha256').update(data).digest()
  hmacSha256 = (data, key) => createHmac('sha256', key).update(data).digest()
  pbkdf2 = (password, salt, iterations, length = 64, algorithm = 'sha512') =>
    promisify(pbkdf2)(password, salt, iterations, length, algorithm)
  createAesCtr(key, iv, encrypt) {
    const cipher = (encrypt ? createCipheriv : createDecipheriv)('aes-256-ctr', key, iv)
    return { process: data => cipher.update(data) }
  }
  createAesIge = (key, iv) => ({
    encrypt: data => ige256Encrypt(data, key, iv),
    decrypt: data => ige256Decrypt(data, key, iv)
  })
  gzip = deflateMaxSize
  gunzip = gunzip
  randomFill = buffer => randomFillSync(buffer)
}

// Every data centre is the one server, reached over its WebSocket.
export const transport = url => ({
  connect: (_dc, signal) => connectWs({ url, implementation: WebSocket, protocols: 'binary' }, signal),
  packetCodec: () => new ObfuscatedPacketCodec(new IntermediatePacketCodec())
})

// Storage in memory that is written to a file whenever mtcute saves.
export function fileStorage(file) {
  const driver = new MemoryStorageDriver()
  if (existsSync(file)) driver.states = deserialize(readFileSync(file))
  driver.save = () => writeFileSync(file, serialize(driver.states), { mode: 0o600 })
  return {
    driver,
    kv: new MemoryKeyValueRepository(driver),
    authKeys: new MemoryAuthKeysRepository(driver),
    peers: new MemoryPeersRepository(driver),
    refMessages: new MemoryRefMessagesRepository(driver)
  }
}

export const platform = {
  beforeExit: () => () => {},
  log: (_color, _level, tag, format, args) => console.error(tag, format, ...args),
  getDefaultLogLevel: () => null,
  getDeviceModel: () => 'mtcute'
}
