package photogate

// Version is the project's.
const Version = "0.2.0"
