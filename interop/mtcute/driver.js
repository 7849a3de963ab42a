// Drives one mtcute device over WebSocket, see ../README.md.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BaseTelegramClient } from '@mtcute/core/client.js'
import {
  checkPassword,
  deleteMessagesById,
  editMessage,
  enableCloudPassword,
  forwardMessagesById,
  getHistory,
  logOut,
  readHistory,
  resolvePeer,
  sendText,
  sendTyping,
  setMyUsername,
  signInQr
} from '@mtcute/core/methods.js'
import { addPublicKey } from '@mtcute/core/utils.js'
import { NodeCrypto, fileStorage, platform, transport } from './platform.js'
import lines from '../lines.js'

const { serve, emit } = lines

let client
let login // { phone, phoneCodeHash } of the sign-in under way
let scanned // promise of the QR login under way

const passwordNeeded = e => {
  if (e.text === 'SESSION_PASSWORD_NEEDED') return { state: 'password' }
  throw e
}

const describe = m => ({
  peer: m.peerId.userId,
  id: m.id,
  out: Boolean(m.out),
  text: m.message ?? '',
  replyTo: m.replyTo?.replyToMsgId ?? 0,
  quote: m.replyTo?.quoteText ?? '',
  forwarded: Boolean(m.fwdFrom)
})

const events = {
  updateNewMessage: u => emit('message', describe(u.message)),
  updateEditMessage: u => emit('edited', describe(u.message)),
  updateDeleteMessages: u => emit('deleted', { ids: u.messages }),
  updateReadHistoryOutbox: u => emit('read', { peer: u.peer.userId, id: u.maxId }),
  updateUserTyping: u => u.action._ === 'sendMessageTypingAction' && emit('typing', { peer: u.userId })
}

async function open({ address, key, dir }) {
  mkdirSync(dir, { recursive: true })
  const crypto = new NodeCrypto()
  crypto.initialize()
  addPublicKey(crypto, readFileSync(key, 'latin1'))
  const dc = { id: 2, ipAddress: '127.0.0.1', port: Number(address.split(':')[1]) }
  client = new BaseTelegramClient({
    apiId: 1,
    apiHash: 'interop',
    crypto,
    platform,
    storage: fileStorage(join(dir, 'mtcute')),
    defaultDcs: { main: dc, media: dc },
    transport: transport(`ws://${address}/apiws`),
    logLevel: Number(process.env.MTCUTE_VERBOSITY ?? 2),
    updates: { catchUp: true }
  })
  client.onError.add(e => console.error('mtcute:', e))
  client.onRawUpdate.add(({ update }) => events[update._]?.(update))
  await client.prepare()
  if (!(await client.storage.self.fetch())) return { state: 'phone' }
  await client.connect()
  await client.startUpdatesLoop()
  return { state: 'ready' }
}

async function signIn({ code }) {
  const phoneNumber = login.phone
  const phoneCodeHash = login.phoneCodeHash
  try {
    const result = await client.call({ _: 'auth.signIn', phoneNumber, phoneCodeHash, phoneCode: code })
    if (result._ === 'auth.authorizationSignUpRequired') return { state: 'signUp' }
    await client.notifyLoggedIn(result)
    return { state: 'ready' }
  } catch (e) {
    return passwordNeeded(e)
  }
}

serve({
  open,
  async sendCode({ phone }) {
    const { phoneCodeHash } = await client.call({
      _: 'auth.sendCode',
      phoneNumber: phone,
      apiId: 1,
      apiHash: 'interop',
      settings: { _: 'codeSettings' }
    })
    login = { phone, phoneCodeHash }
    return { state: 'code' }
  },
  signIn,
  async signUp({ name }) {
    const result = await client.call({
      _: 'auth.signUp',
      phoneNumber: login.phone,
      phoneCodeHash: login.phoneCodeHash,
      firstName: name,
      lastName: ''
    })
    await client.notifyLoggedIn(result)
    return { state: 'ready' }
  },
  async password({ password }) {
    await checkPassword(client, password)
    return { state: 'ready' }
  },
  setPassword: ({ password }) => enableCloudPassword(client, { password, hint: '' }),
  showQR: () =>
    new Promise((resolve, reject) => {
      const onUrlUpdated = url => resolve({ token: new URL(url).searchParams.get('token') })
      scanned = signInQr(client, { onUrlUpdated }).then(() => ({ state: 'ready' }), passwordNeeded)
      scanned.catch(reject)
    }),
  finishQR: () => scanned,
  async acceptQR({ token }) {
    await client.call({ _: 'auth.acceptLoginToken', token: Buffer.from(token, 'base64url') })
  },
  async me() {
    const [me] = await client.call({ _: 'users.getUsers', id: [{ _: 'inputUserSelf' }] })
    return { id: me.id }
  },
  async setUsername({ username }) {
    await setMyUsername(client, username)
  },
  resolve: async ({ username }) => ({ peer: (await resolvePeer(client, username)).userId }),
  async online() {
    await client.call({ _: 'account.updateStatus', offline: false })
  },
  async send({ peer, text, replyTo, quote, position }) {
    const reply = replyTo ? { replyTo, ...(quote && { quote: { text: quote }, quoteOffset: position }) } : {}
    return { id: (await sendText(client, peer, text, reply)).id }
  },
  async edit({ peer, message, text }) {
    await editMessage(client, { chatId: peer, message, text })
  },
  delete: ({ peer, message }) => deleteMessagesById(client, peer, [message]),
  async forward({ from, message, peer }) {
    const [copy] = await forwardMessagesById(client, { fromChatId: from, messages: [message], toChatId: peer })
    return { id: copy.id }
  },
  read: ({ peer, message }) => readHistory(client, peer, { maxId: message }),
  typing: ({ peer }) => sendTyping(client, peer),
  history: async ({ peer, limit }) => ({ messages: (await getHistory(client, peer, { limit })).map(m => describe(m.raw)) }),
  async logOut() {
    await logOut(client)
    await client.destroy()
    client = undefined
  },
  close: () => client?.destroy()
})
