namespace CapVault.IntegrationTests;

/// <summary>Waits for what has no event to wait for: the node's pool, another process.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns when the condition holds.</summary>
    /// <exception cref="TimeoutException">It does not within 30 s.</exception>
    public static Task TrueAsync(Func<Task<bool>> condition, string expectation) => TrueAsync(condition, () => expectation);

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, string)"/>
    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string> expectation)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw new TimeoutException($"Waited {Patience.TotalSeconds} s in vain that {expectation()}.");
            }

            await Task.Delay(Pause);
        }
    }
}
