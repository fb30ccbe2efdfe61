// Makes the replica set and its users, once; it is safe to run again. It runs beside mongo1, as only whoever comes
// from the same machine may make the first user.

const fs = require("fs");
const read = (name) => fs.readFileSync(`${process.env.SECRETS || "/run/secrets"}/${name}`, "utf8").trim();
const HOSTS = (process.env.MONGO_HOSTS || "mongo1:27017,mongo2:27017,mongo3:27017").split(",");
const WAIT_MS = 60_000;

const admin = db.getSiblingDB("admin");

function until(what, holds) {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} took longer than ${WAIT_MS / 1000} s`);
    sleep(500);
  }
}

function initiated() {
  return Boolean(db.hello().setName);
}

function login() {
  try {
    return admin.auth("root", read("mongo_root_password")).ok === 1;
  } catch (error) {
    return false; // there is no such user yet
  }
}

// Other members may still be starting.
if (!initiated()) {
  until("making the replica set", () => {
    try {
      return rs.initiate({
        _id: "pastis",
        // The first is preferred, so that it is the one where the users are made.
        members: HOSTS.map((host, number) => ({ _id: number, host, priority: number === 0 ? 2 : 1 })),
        // A third of the defaults: so writes go on within 15 seconds, also where a primary stands still or is cut off.
        settings: { electionTimeoutMillis: 3000, heartbeatTimeoutSecs: 3 },
      }).ok === 1;
    } catch (error) {
      return error.codeName === "AlreadyInitialized";
    }
  });
}

if (login()) {
  print("The replica set and its users are there.");
} else {
  until("the election", () => db.hello().isWritablePrimary);
  admin.createUser({ user: "root", pwd: read("mongo_root_password"), roles: ["root"] });
  if (!login()) throw new Error("the password of root is not the one in secrets");
  print("Made the replica set.");
}

db.getMongo().setReadPref("secondaryPreferred");
if (admin.getUser("pastis") === null) {
  if (!db.hello().isWritablePrimary) throw new Error("mongo1 is not the primary now: run this again when it is");
  // clusterMonitor shows the state of the replica set and of the server.
  const roles = [{ role: "readWrite", db: process.env.DATABASE || "pastis" }, { role: "clusterMonitor", db: "admin" }];
  admin.createUser({ user: "pastis", pwd: read("mongo_password"), roles });
  print("Made the user pastis.");
}
