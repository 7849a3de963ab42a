'use strict'
// Drives one TDLib device, see ../README.md. TDLib's message ids are the server's times 2^20.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { serve, emit } = require('../lines')
const { setup } = require('./setup')
const { startRedirector } = require('./redirector')

const serverId = id => id / 2 ** 20
const localId = id => id * 2 ** 20
const boolean = value => ({ _: 'optionValueBoolean', value })
const plain = text => ({ _: 'formattedText', text })
const content = text => ({ _: 'inputMessageText', text: plain(text) })

let td, proxy
let states = [] // authorization states, in order
const watchers = new Set()

// TDLib falls back to public DNS and HTTPS servers for its configuration, past any
// proxy. A network namespace with nothing but loopback makes that harmless.
function assertIsolated() {
  const open = Object.entries(os.networkInterfaces()).filter(([, a]) => a.some(x => !x.internal))
  if (open.length) throw new Error(`network is reachable (${open.map(([n]) => n)}): run this under isolate.sh`)
}

// Resolves with the first update from now on for which pick returns something.
function next(pick) {
  return new Promise((resolve, reject) => {
    const watcher = update => {
      try {
        const found = pick(update)
        if (!found) return
        watchers.delete(watcher)
        resolve(found)
      } catch (e) {
        watchers.delete(watcher)
        reject(e)
      }
    }
    watchers.add(watcher)
  })
}

const settled = {
  authorizationStateWaitPhoneNumber: 'phone',
  authorizationStateWaitCode: 'code',
  authorizationStateWaitOtherDeviceConfirmation: 'qr',
  authorizationStateWaitPassword: 'password',
  authorizationStateWaitRegistration: 'signUp',
  authorizationStateReady: 'ready',
  authorizationStateClosed: 'closed'
}

// Resolves with the first settled authorization state past position `from`.
async function stateAfter(from) {
  const find = () => states.slice(from).find(s => settled[s._])
  return find() ?? (await next(() => find()))
}

async function step(request) {
  const from = states.length
  await td.invoke(request)
  return { state: settled[(await stateAfter(from))._] }
}

const parameters = dir => ({
  _: 'setTdlibParameters',
  use_test_dc: false,
  database_directory: dir,
  files_directory: path.join(dir, 'files'),
  database_encryption_key: '',
  use_file_database: true,
  use_chat_info_database: true,
  use_message_database: true,
  use_secret_chats: true,
  api_id: 1,
  api_hash: 'interop',
  system_language_code: 'en',
  device_model: 'TDLib',
  system_version: 'linux',
  application_version: '1.0'
})

const describe = m => ({
  peer: m.chat_id,
  id: serverId(m.id),
  out: m.is_outgoing,
  text: m.content.text?.text ?? '',
  replyTo: m.reply_to?.message_id ? serverId(m.reply_to.message_id) : 0,
  quote: m.reply_to?.quote?.text.text ?? '',
  forwarded: Boolean(m.forward_info)
})

const events = {
  updateNewMessage: ({ message }) => message.sending_state || emit('message', describe(message)),
  updateMessageContent: u => emit('edited', { peer: u.chat_id, id: serverId(u.message_id), text: u.new_content.text?.text ?? '' }),
  updateDeleteMessages: u => u.is_permanent && !u.from_cache && emit('deleted', { ids: u.message_ids.map(serverId) }),
  updateChatReadOutbox: u => emit('read', { peer: u.chat_id, id: serverId(u.last_read_outbox_message_id) }),
  updateChatAction: u => u.action._ === 'chatActionTyping' && emit('typing', { peer: u.chat_id }),
  updateAuthorizationState: ({ authorization_state: s }) => {
    states.push(s)
    if (s._ === 'authorizationStateLoggingOut') emit('loggedOut', {})
  }
}

// Waits until the server has taken the messages TDLib shows already.
async function sent(request) {
  const done = new Map() // by temporary id
  const watcher = u => {
    if (u._ === 'updateMessageSendSucceeded') done.set(u.old_message_id, u.message)
    if (u._ === 'updateMessageSendFailed') done.set(u.old_message_id, new Error(u.error.message))
  }
  watchers.add(watcher)
  try {
    const result = await td.invoke(request)
    const [{ id }] = result.messages ?? [result]
    while (!done.has(id)) await next(u => /^updateMessageSend/.test(u._))
    const message = done.get(id)
    if (message instanceof Error) throw message
    return { id: serverId(message.id) }
  } finally {
    watchers.delete(watcher)
  }
}

async function history({ peer, limit }) {
  const messages = []
  while (messages.length < limit) {
    const from_message_id = messages.at(-1)?.id ?? 0
    const page = await td.invoke({ _: 'getChatHistory', chat_id: peer, from_message_id, offset: 0, limit: limit - messages.length, only_local: false })
    if (!page.messages.length) break
    messages.push(...page.messages)
  }
  return { messages: messages.map(describe) }
}

async function open({ address, key, dir, pfs }) {
  assertIsolated()
  const [host, port] = address.split(':')
  proxy = await startRedirector({ host, port: Number(port) })
  const { modules, tdjson } = setup(fs.readFileSync(key, 'latin1'))
  const tdl = require(path.join(modules, 'tdl'))
  tdl.configure({ tdjson, verbosityLevel: Number(process.env.TDLIB_VERBOSITY ?? 1) })
  td = tdl.createBareClient()
  td.on('error', e => console.error('tdl:', e))
  td.on('update', u => {
    events[u._]?.(u)
    for (const w of [...watchers]) w(u)
  })
  const server = { _: 'proxy', server: '127.0.0.1', port: proxy.port, type: { _: 'proxyTypeSocks5', username: '', password: '' } }
  // TDLib keeps these until it has its parameters, and runs them before it opens the network.
  const early = [td.invoke({ _: 'addProxy', proxy: server, enable: true, comment: '' })]
  if (pfs) early.push(td.invoke({ _: 'setOption', name: 'use_pfs', value: boolean(true) }))
  await Promise.all([...early, td.invoke(parameters(path.resolve(dir)))])
  return { state: settled[(await stateAfter(0))._] }
}

async function quit(request) {
  const from = states.length
  await td.invoke(request)
  const closed = () => states.slice(from).some(s => s._ === 'authorizationStateClosed')
  if (!closed()) await next(closed)
  td = undefined
  proxy.close()
}

serve({
  open,
  sendCode: ({ phone }) => step({ _: 'setAuthenticationPhoneNumber', phone_number: phone }),
  signIn: ({ code }) => step({ _: 'checkAuthenticationCode', code }),
  signUp: ({ name }) => step({ _: 'registerUser', first_name: name, last_name: '', disable_notification: true }),
  password: ({ password }) => step({ _: 'checkAuthenticationPassword', password }),
  setPassword: ({ password }) =>
    td.invoke({ _: 'setPassword', old_password: '', new_password: password, new_hint: '', set_recovery_email_address: false, new_recovery_email_address: '' }).then(() => {}),
  async showQR() {
    const from = states.length
    await td.invoke({ _: 'requestQrCodeAuthentication', other_user_ids: [] })
    const { link } = await stateAfter(from)
    return { token: new URL(link).searchParams.get('token') }
  },
  async finishQR() {
    const done = () => states.map(s => settled[s._]).find(s => s === 'ready' || s === 'password')
    return { state: done() ?? (await next(done)) }
  },
  acceptQR: ({ token }) => td.invoke({ _: 'confirmQrCodeAuthentication', link: `tg://login?token=${token}` }).then(() => {}),
  me: async () => ({ id: (await td.invoke({ _: 'getMe' })).id }),
  setUsername: ({ username }) => td.invoke({ _: 'setUsername', username }).then(() => {}),
  resolve: async ({ username }) => ({ peer: (await td.invoke({ _: 'searchPublicChat', username })).id }),
  online: () => td.invoke({ _: 'setOption', name: 'online', value: boolean(true) }).then(() => {}),
  send: ({ peer, text, replyTo, quote, position }) =>
    sent({
      _: 'sendMessage',
      chat_id: peer,
      input_message_content: content(text),
      ...(replyTo && {
        reply_to: {
          _: 'inputMessageReplyToMessage',
          message_id: localId(replyTo),
          quote: quote ? { _: 'inputTextQuote', text: plain(quote), position } : null
        }
      })
    }),
  edit: ({ peer, message, text }) =>
    td.invoke({ _: 'editMessageText', chat_id: peer, message_id: localId(message), input_message_content: content(text) }).then(() => {}),
  delete: ({ peer, message }) => td.invoke({ _: 'deleteMessages', chat_id: peer, message_ids: [localId(message)], revoke: true }).then(() => {}),
  forward: ({ from, message, peer }) => sent({ _: 'forwardMessages', chat_id: peer, from_chat_id: from, message_ids: [localId(message)], send_copy: false, remove_caption: false }),
  read: ({ peer, message }) =>
    td.invoke({ _: 'viewMessages', chat_id: peer, message_ids: [localId(message)], source: { _: 'messageSourceChatHistory' }, force_read: true }).then(() => {}),
  typing: ({ peer }) => td.invoke({ _: 'sendChatAction', chat_id: peer, action: { _: 'chatActionTyping' } }).then(() => {}),
  history,
  logOut: () => quit({ _: 'logOut' }),
  close: () => (td ? quit({ _: 'close' }) : undefined)
})
