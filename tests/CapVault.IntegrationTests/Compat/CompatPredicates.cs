using System.Diagnostics;
using System.Text.Json;
using CapVault.Relayer.Compat;

namespace CapVault.IntegrationTests;

/// <summary>How CROO's published client tells causes apart, asked of the client itself.</summary>
internal static class CompatPredicates
{
    private const string Script = """
        import * as croo from '@croo-network/sdk';
        const predicates = Object.keys(croo).filter((name) => /^is[A-Z]/.test(name));
        const holding = (reason) => predicates.filter((name) => croo[name](new croo.APIError(400, 400, reason, '')));
        console.log(JSON.stringify(Object.fromEntries(process.argv.slice(1).map((reason) => [reason, holding(reason)]))));
        """;

    private static readonly Lazy<Task<Dictionary<string, string[]>>> All = new(AskAsync);

    /// <summary>The predicates that hold for an error with one of the relayer's reasons.</summary>
    public static async Task<string[]> OfAsync(string reason) => (await All.Value)[reason];

    private static async Task<Dictionary<string, string[]>> AskAsync()
    {
        var start = new ProcessStartInfo("node", ["--input-type=module", "--eval", Script, "--", .. CompatErrors.Reasons.Values.Distinct(StringComparer.Ordinal)])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var answer = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return JsonSerializer.Deserialize<Dictionary<string, string[]>>(answer)!;
    }
}
