vcl 4.1;

# Varnish in front of photogate's images (Varnish 6 and 7): varnishd -f /etc/varnish/photogate.vcl
#
# Everything but /i/ passes through. A request for an image goes on with the parameters that photogate knows, in one order:
# nothing else of a query string is part of the cache's key, and nothing that photogate would read is left out of it.

import std;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 3s;
    .first_byte_timeout = 75s;      # longer than ?wait= and a DELETE may take
}

# Who may purge: `PURGE /i/{public id}` takes the image and all its versions out of the cache.
acl photogate_purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.url !~ "^/i/") {
        return (pass);
    }
    if (req.method == "PURGE") {
        if (client.ip !~ photogate_purgers) {
            return (synth(403, "Not allowed"));
        }
        ban("obj.http.X-Photogate-Image == " + regsub(req.url, "^/i/([^/?]*).*$", "\1"));
        return (synth(200, "Purged"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }

    # Parameters that photogate does not know go, and the rest is sorted.
    if (req.url ~ "\?") {
        set req.url = regsuball(req.url, "(?<=[?&])(?!(width|w|height|h|dpr|fit|resize|resizing_type|rt|gravity|g|format|f|quality|q|variant|placeholder|v|expires|scope|sig)=)[^&]*(&|$)", "");
        set req.url = regsub(req.url, "[?&]+$", "");
        set req.url = std.querysort(req.url);
    }

    # `Accept` in three classes, as photogate has it. Varnish keeps one object of each where an answer says `Vary: Accept`.
    if (req.http.Accept ~ "(?i)image/avif(?!\s*;\s*q=0(\.0*)?\s*(,|$))") {
        set req.http.Accept = "image/avif,image/webp";
    } elsif (req.http.Accept ~ "(?i)image/webp(?!\s*;\s*q=0(\.0*)?\s*(,|$))") {
        set req.http.Accept = "image/webp";
    } else {
        set req.http.Accept = "*/*";
    }

    # A gallery's cookie is for photogate to judge; no other cookie concerns an image.
    if (req.http.Cookie ~ "(^|;\s*)__Secure-photogate-") {
        return (pass);
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    return (hash);
}

sub vcl_backend_response {
    if (bereq.url ~ "^/i/") {
        if (beresp.status != 200 || beresp.http.Cache-Control !~ "^public") {
            set beresp.ttl = 0s;
            set beresp.grace = 0s;
            set beresp.uncacheable = true;
            return (deliver);
        }
        set beresp.http.X-Photogate-Image = regsub(bereq.url, "^/i/([^/?]*).*$", "\1");
        # After a minute Varnish asks again, with If-None-Match: so a deleted image is gone within a minute, also where nobody
        # purges it.
        set beresp.ttl = 1m;
        set beresp.grace = 0s;
        set beresp.keep = 30d;
        return (deliver);
    }
}

sub vcl_deliver {
    unset resp.http.X-Photogate-Image;
    if (req.url ~ "^/i/") {
        if (obj.hits > 0) {
            set resp.http.X-Cache = "HIT";
        } else {
            set resp.http.X-Cache = "MISS";
        }
    }
}
