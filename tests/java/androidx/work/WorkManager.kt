/** Stands in for as much of WorkManager as docs/clients/android.md uses: work is done at once, and again where it asks for that. */
package androidx.work

import android.content.Context
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.runBlocking

abstract class CoroutineWorker(context: Context, parameters: WorkerParameters) : ListenableWorker(context, parameters) {
    abstract suspend fun doWork(): Result
}

enum class ExistingWorkPolicy { KEEP }
enum class NetworkType { CONNECTED }
enum class BackoffPolicy { EXPONENTIAL }
class Constraints(val requiredNetworkType: NetworkType)

fun workDataOf(vararg pairs: Pair<String, String>) = Data(pairs.toMap())

class OneTimeWorkRequest(val make: (WorkerParameters) -> CoroutineWorker, val input: Data)

class Builder(private val worker: Class<out CoroutineWorker>) {
    private var input = Data(emptyMap())
    fun setInputData(data: Data) = apply { input = data }
    fun setConstraints(constraints: Constraints) = apply { check(constraints.requiredNetworkType == NetworkType.CONNECTED) }
    fun setBackoffCriteria(policy: BackoffPolicy, delay: Long, unit: TimeUnit) = apply { check(unit.toSeconds(delay) >= 10) }
    fun build() = OneTimeWorkRequest({ worker.getConstructor(Context::class.java, WorkerParameters::class.java).newInstance(Context(), it) }, input)
}

inline fun <reified W : CoroutineWorker> OneTimeWorkRequestBuilder() = Builder(W::class.java)

class WorkManager {
    fun enqueueUniqueWork(name: String, policy: ExistingWorkPolicy, request: OneTimeWorkRequest) = runBlocking {
        check(name.isNotEmpty() && policy == ExistingWorkPolicy.KEEP)
        for (attempt in 0..9) {
            val result = request.make(WorkerParameters(request.input, attempt)).doWork()
            println("attempt $attempt: ${result.javaClass.simpleName}")
            if (result is ListenableWorker.Success) break
        }
    }

    companion object {
        fun getInstance(context: Context) = WorkManager()
    }
}
