// Package config holds the settings of a server: one struct whose tags say everything about an
// option, from which the flags, the environment variables, the file chappe.toml, the sample file
// and the reference are made.
//
// A value comes from the flag, else from the environment, else from the file, else from its
// default. What nobody knows is refused, with the nearest known name. Package config reads no
// secret: options name the files that hold them.
package config

import (
	"time"

	"github.com/alecthomas/kong"
)

// Config are the settings of a server. The tags are the documentation of each field: name is the
// flag and the key of the file (of the table prefix, where there is one).
type Config struct {
	Data        string `name:"data" env:"CHAPPE_DATA" default:"data" placeholder:"DIR" help:"Folder of everything the server keeps: database, keys, files. Back it up with 'chappe backup'." example:"/var/lib/chappe"`
	Listen      string `name:"listen" env:"CHAPPE_LISTEN" default:"127.0.0.1:8484" placeholder:"HOST:PORT" help:"The one public address: MTProto, TLS, HTTP and WebSocket share it." example:":443"`
	URL         string `name:"url" env:"CHAPPE_URL" placeholder:"URL" help:"Address of the server for people, for links and pages. Made of --listen when empty." example:"https://chat.example.org"`
	DB          string `name:"db" env:"CHAPPE_DB" default:"sqlite" placeholder:"sqlite|postgres://…" help:"Database: 'sqlite', a file in the data folder, or the address of a PostgreSQL one." example:"postgres://chappe@localhost/chappe"`
	Signup      string `name:"signup" env:"CHAPPE_SIGNUP" enum:",open,invite,closed" default:"" placeholder:"open|invite|closed" help:"Who may make an account: anyone (open), holders of an invite link (invite) or nobody (closed). When empty: open on a loopback address, invite elsewhere." example:"invite"`
	Admin       string `name:"admin" env:"CHAPPE_ADMIN" default:"127.0.0.1:8485" placeholder:"HOST:PORT|off" help:"Loopback address of health, metrics and profiles; port 0 takes a free one, 'off' none." example:"off"`
	NoIP        bool   `name:"no-ip" env:"CHAPPE_NO_IP" help:"Keep no address of any client: session lists show none, and no log line has one." example:"true"`
	NoLimits    bool   `name:"no-limits" env:"CHAPPE_NO_LIMITS" help:"Turn rate limits off, for load tests. Refused on any address but loopback." example:"true"`
	CodeWebhook string `name:"code-webhook" env:"CHAPPE_CODE_WEBHOOK" placeholder:"URL" help:"Where login codes are posted as JSON (number, code) for an SMS provider of yours to send." example:"https://sms.example.org/send?token=…"`
	Log         Log    `embed:"" prefix:"log-" group:"Logging"`
	TLS         TLS    `embed:"" prefix:"tls-" group:"TLS"`
	SMTP        SMTP   `embed:"" prefix:"smtp-" group:"Mail"`
	Limits      Limits `embed:"" prefix:"limits-" group:"Limits"`
}

// Log says what is logged, and how. Lines go to standard error.
type Log struct {
	Level  string `name:"level" env:"CHAPPE_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error. No level shows text, keys or full numbers." example:"debug"`
	Format string `name:"format" env:"CHAPPE_LOG_FORMAT" enum:"text,json" default:"text" placeholder:"text|json" help:"Form of the log lines: text or json." example:"json"`
}

// TLS says where certificates come from: from files, or from an ACME authority such as Let's
// Encrypt, or from nowhere, since MTProto brings its own encryption.
type TLS struct {
	Cert      string   `name:"cert" env:"CHAPPE_TLS_CERT" placeholder:"FILE" help:"Certificate chain, PEM. Read again when it changes." example:"/etc/chappe/fullchain.pem"`
	Key       string   `name:"key" env:"CHAPPE_TLS_KEY" placeholder:"FILE" help:"Private key of the certificate, PEM." example:"/etc/chappe/privkey.pem"`
	ACMEHosts []string `name:"acme-hosts" env:"CHAPPE_TLS_ACME_HOSTS" placeholder:"HOST" help:"Names to get certificates for by ACME, and no others. The authority must reach the server on port 443 of each." example:"chat.example.org"`
	ACMEEmail string   `name:"acme-email" env:"CHAPPE_TLS_ACME_EMAIL" placeholder:"ADDRESS" help:"Where the authority writes when something is wrong with a certificate." example:"admin@example.org"`
}

// SMTP is the mail server that login codes and recovery codes go through. None when Host is empty.
type SMTP struct {
	Host         string `name:"host" env:"CHAPPE_SMTP_HOST" placeholder:"HOST" help:"Mail server for login and recovery codes. No mail is sent without one." example:"mail.example.org"`
	Port         int    `name:"port" env:"CHAPPE_SMTP_PORT" default:"587" placeholder:"PORT" help:"Port of the mail server: 465 begins with TLS, every other must offer STARTTLS." example:"465"`
	User         string `name:"user" env:"CHAPPE_SMTP_USER" placeholder:"NAME" help:"Account at the mail server." example:"chappe@example.org"`
	PasswordFile string `name:"password-file" env:"CHAPPE_SMTP_PASSWORD_FILE" placeholder:"FILE" help:"File whose first line is the account's password." example:"/etc/chappe/smtp-password"`
	From         string `name:"from" env:"CHAPPE_SMTP_FROM" placeholder:"ADDRESS" help:"Sender of the mails." example:"Chappe <chappe@example.org>"`
}

// Limits are the few bounds worth tuning. Those of the protocol and of accounts are fixed.
type Limits struct {
	HandshakeWorkers int           `name:"handshake-workers" env:"CHAPPE_LIMITS_HANDSHAKE_WORKERS" default:"0" placeholder:"N" help:"Key exchanges worked on at once, so that they can't starve chats. 0: half the processors, at least one." example:"2"`
	Handshakes       int           `name:"handshakes" env:"CHAPPE_LIMITS_HANDSHAKES" default:"40" placeholder:"N" help:"New keys per second, all clients together; the rest are told to try later." example:"200"`
	Unauthenticated  int           `name:"unauthenticated" env:"CHAPPE_LIMITS_UNAUTHENTICATED" default:"20" placeholder:"N" help:"Connections of one address that have not shown a valid key yet." example:"100"`
	Exempt           []string      `name:"exempt" env:"CHAPPE_LIMITS_EXEMPT" placeholder:"NETWORK" help:"Networks whose connections aren't counted by address: that of a proxy in front of the server, say." example:"10.0.0.0/24"`
	Drain            time.Duration `name:"drain" env:"CHAPPE_LIMITS_DRAIN" default:"10s" placeholder:"TIME" help:"How long a stopping server lets queries in flight finish." example:"30s"`
}

// Default returns the settings of a server nobody configured. It does not look at the environment.
func Default() Config {
	var c Config
	for _, flag := range model(&c).Flags {
		if !flag.HasDefault {
			continue
		}
		token := kong.Token{Type: kong.FlagValueToken, Value: flag.Default}
		if err := flag.Parse(kong.ScanFromTokens(token), flag.Target); err != nil {
			panic("config: a default that does not parse: " + err.Error())
		}
	}
	return c
}
