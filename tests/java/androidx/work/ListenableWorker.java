package androidx.work;

import android.content.Context;

/** Stands in for WorkManager's. */
public abstract class ListenableWorker {
    private final WorkerParameters parameters;

    public ListenableWorker(Context context, WorkerParameters parameters) { this.parameters = parameters; }

    public final Data getInputData() { return parameters.input; }

    public final int getRunAttemptCount() { return parameters.runAttemptCount; }

    public abstract static class Result {
        public static Result success() { return new Success(); }

        public static Result retry() { return new Retry(); }
    }

    public static final class Success extends Result {}

    public static final class Retry extends Result {}
}
