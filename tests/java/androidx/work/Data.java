package androidx.work;

import java.util.Map;

/** Stands in for WorkManager's. */
public class Data {
    private final Map<String, String> values;

    public Data(Map<String, String> values) { this.values = values; }

    public String getString(String key) { return values.get(key); }
}
