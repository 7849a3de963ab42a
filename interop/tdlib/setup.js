'use strict'
// Installs TDLib into a cache folder outside the repository and makes a copy of
// its library in which the server RSA keys are replaced by ours.
//
//   node setup.js                            installs only
//   node setup.js SERVER_PUBLIC_KEY.pem      prints the path of the patched library
//
// Run it once outside isolate.sh, as it needs the package registry; driver.js then
// patches for whatever key it is given.
//
// The key must be PKCS#1 ("BEGIN RSA PUBLIC KEY"), 2048 bits. The cache folder is
// $CHAPPE_TDLIB_CACHE, else ~/.cache/chappe-tdlib.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const crypto = require('node:crypto')
const { execFileSync } = require('node:child_process')

// What the registry serves as prebuilt-tdlib 0.1008065.0 for linux x64 with glibc.
const LIB_SHA256 = 'd8f3282e4160580ffcdeaac95ac930ece51904b8fb595da109992e3f87ad903e'
const sha256 = data => crypto.createHash('sha256').update(data).digest('hex')

const cacheDir = () =>
  process.env.CHAPPE_TDLIB_CACHE || path.join(os.homedir(), '.cache', 'chappe-tdlib')

function install(mayInstall) {
  const dir = cacheDir()
  const wanted = fs.readFileSync(path.join(__dirname, 'package.json'))
  const stamp = path.join(dir, 'installed')
  if (!fs.existsSync(stamp) || !fs.readFileSync(stamp).equals(wanted)) {
    if (!mayInstall) throw new Error('TDLib is not installed: run "node setup.js" first, outside isolate.sh')
    fs.mkdirSync(dir, { recursive: true })
    fs.copyFileSync(path.join(__dirname, 'package.json'), path.join(dir, 'package.json'))
    execFileSync('npm', ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: dir,
      stdio: ['ignore', 2, 2]
    })
    fs.writeFileSync(stamp, wanted)
  }
  return path.join(dir, 'node_modules')
}

const PEM = /-----BEGIN RSA PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END RSA PUBLIC KEY-----/g
const base64Of = block => block.replace(/\n/g, '')

// Every key is replaced character by character, so that each block keeps its
// length and its line breaks.
function patch(lib, pem) {
  const own = [...pem.matchAll(PEM)]
  if (own.length !== 1) throw new Error('expected one "BEGIN RSA PUBLIC KEY" block')
  const key = base64Of(own[0][1])
  let keys = 0
  const out = lib.toString('latin1').replace(PEM, (block, body) => {
    if (base64Of(body).length !== key.length) throw new Error('key length differs; use 2048 bits, exponent 65537')
    keys++
    let i = 0
    return block.replace(body, body.replace(/[^\n]/g, () => key[i++]))
  })
  if (keys < 2) throw new Error(`only ${keys} RSA keys found in the library`)
  return Buffer.from(out, 'latin1')
}

// Returns { modules, tdjson }: the folder to require from and the patched library.
function setup(pem, mayInstall = false) {
  const modules = install(mayInstall)
  const { getTdjson } = require(path.join(modules, 'prebuilt-tdlib'))
  const tag = sha256(pem).slice(0, 16)
  const tdjson = path.join(cacheDir(), `libtdjson-${tag}.so`)
  if (!fs.existsSync(tdjson)) {
    const tmp = `${tdjson}.${process.pid}`
    const lib = fs.readFileSync(getTdjson())
    if (sha256(lib) !== LIB_SHA256) throw new Error('not the expected TDLib build (1.8.65, linux x64, glibc)')
    fs.writeFileSync(tmp, patch(lib, pem))
    fs.renameSync(tmp, tdjson)
  }
  return { modules, tdjson }
}

module.exports = { setup, patch }

if (require.main === module) {
  const [file] = process.argv.slice(2)
  if (file) console.log(setup(fs.readFileSync(file, 'latin1'), true).tdjson)
  else install(true)
}
