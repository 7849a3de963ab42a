-- What the server knows of itself.
CREATE TABLE server (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
