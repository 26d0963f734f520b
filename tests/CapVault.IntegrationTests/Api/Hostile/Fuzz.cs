using System.Globalization;

namespace CapVault.IntegrationTests;

/// <summary>
/// Many cases from one seed. <c>CAPVAULT_FUZZ</c> is the number of cases of each test; with it the seed is another one each time, unless
/// <c>CAPVAULT_FUZZ_SEED</c> gives one. Without it a test is short, and the same each time.
/// </summary>
internal static class Fuzz
{
    private const int ShortSeed = 20260;
    private const int MaxFailures = 10;

    private static readonly int? LongCases = Read("CAPVAULT_FUZZ");

    private static readonly int Seed = Read("CAPVAULT_FUZZ_SEED") ?? (LongCases is null ? ShortSeed : Random.Shared.Next());

    /// <summary>Runs the cases one after the other, and fails with the first of those that do.</summary>
    /// <param name="shortCases">How many, where nobody asks for more.</param>
    /// <param name="run">One case: what it does follows from the random numbers alone.</param>
    public static async Task RunAsync(int shortCases, Func<Random, Task> run)
    {
        var failures = new List<string>();
        for (var index = 0; index < (LongCases ?? shortCases) && failures.Count < MaxFailures; index++)
        {
            try
            {
                await run(new Random(unchecked((Seed * 1_000_003) + index)));
            }
            catch (Exception exception)
            {
                failures.Add($"Case {index}: {exception.Message}");
            }
        }

        failures.Should().BeEmpty($"it goes well with CAPVAULT_FUZZ_SEED={Seed}");
    }

    /// <summary>One of them.</summary>
    public static T Of<T>(this Random random, params IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    /// <summary>True once in <paramref name="times"/>.</summary>
    public static bool OnceIn(this Random random, int times) => random.Next(times) == 0;

    private static int? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
