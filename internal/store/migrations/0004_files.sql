-- Files that people sent, the blobs that hold their bytes, and who refers to them.
--
-- unused is when a row was made or lost a reference, 0 after it was seen to be referred to: what is
-- still unused a day later goes. So collecting looks at what changed and not at everything.

-- Blobs by SHA-256. dying says that the blob is being deleted, and must not be referred to any more.
CREATE TABLE blobs (
    hash   BYTEA    NOT NULL PRIMARY KEY,
    size   BIGINT   NOT NULL DEFAULT 0,
    unused BIGINT   NOT NULL DEFAULT 0,
    dying  SMALLINT NOT NULL DEFAULT 0
);
CREATE INDEX blobs_unused ON blobs (unused) WHERE unused <> 0;

-- Documents (kind 1) and photos (kind 2). attributes is JSON; stripped is the tiny preview, without
-- its header.
CREATE TABLE files (
    id         BIGINT   NOT NULL PRIMARY KEY,
    kind       SMALLINT NOT NULL DEFAULT 0,
    date       BIGINT   NOT NULL DEFAULT 0,
    mime       TEXT     NOT NULL DEFAULT '',
    attributes TEXT     NOT NULL DEFAULT '',
    stripped   BYTEA    NOT NULL,
    unused     BIGINT   NOT NULL DEFAULT 0
);
CREATE INDEX files_unused ON files (unused) WHERE unused <> 0;

-- The bytes of a file: type '' is a document itself, a letter one of the sizes of a picture.
CREATE TABLE file_sizes (
    file   BIGINT NOT NULL,
    type   TEXT   NOT NULL DEFAULT '',
    hash   BYTEA  NOT NULL,
    width  BIGINT NOT NULL DEFAULT 0,
    height BIGINT NOT NULL DEFAULT 0,
    size   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (file, type)
);
CREATE INDEX file_sizes_hash ON file_sizes (hash);

-- Who refers to a file: owner is an account or channel as in messages.peer, kind says what object is
-- (1 a message, 2 a photo of the owner).
CREATE TABLE file_refs (
    owner  BIGINT   NOT NULL,
    kind   SMALLINT NOT NULL DEFAULT 0,
    object BIGINT   NOT NULL DEFAULT 0,
    file   BIGINT   NOT NULL,
    PRIMARY KEY (owner, kind, object, file)
);
CREATE INDEX file_refs_file ON file_refs (file);

-- What became of finished uploads, so that a query that is repeated finds it.
CREATE TABLE uploads (
    account BIGINT NOT NULL,
    upload  BIGINT NOT NULL,
    file    BIGINT NOT NULL DEFAULT 0,
    date    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, upload)
);
CREATE INDEX uploads_date ON uploads (date);
