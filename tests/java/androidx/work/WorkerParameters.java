package androidx.work;

/** Stands in for WorkManager's, whose package is not on Maven Central. */
public class WorkerParameters {
    final Data input;
    final int runAttemptCount;

    public WorkerParameters(Data input, int runAttemptCount) {
        this.input = input;
        this.runAttemptCount = runAttemptCount;
    }
}
