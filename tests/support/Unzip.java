// Reads a zip archive with Java's library and writes a line for each entry: name in hex, size, SHA-256.
//     java Unzip.java < ARCHIVE        with ZipInputStream
//     java Unzip.java ARCHIVE          with ZipFile
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

public class Unzip {
    static final byte[] piece = new byte[1 << 16];

    static void say(String name, InputStream bytes) throws Exception {
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        long size = 0;
        for (int got; (got = bytes.read(piece)) > 0; size += got) {
            hash.update(piece, 0, got);
        }
        HexFormat hex = HexFormat.of();
        System.out.println(hex.formatHex(name.getBytes(StandardCharsets.UTF_8)) + " " + size + " " + hex.formatHex(hash.digest()));
    }

    public static void main(String[] words) throws Exception {
        if (words.length == 0) {
            ZipInputStream stream = new ZipInputStream(System.in);
            for (ZipEntry entry; (entry = stream.getNextEntry()) != null;) {
                say(entry.getName(), stream);
            }
            return;
        }
        try (ZipFile file = new ZipFile(words[0])) {
            for (ZipEntry entry : Collections.list(file.entries())) {
                try (InputStream bytes = file.getInputStream(entry)) {
                    say(entry.getName(), bytes);
                }
            }
        }
    }
}
