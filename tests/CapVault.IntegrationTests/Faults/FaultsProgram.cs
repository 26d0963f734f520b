using System.Globalization;

namespace CapVault.IntegrationTests.Faults;

/// <summary>What scripts/faults.sh starts: the long form of <see cref="FaultCampaignTests"/>.</summary>
internal static class FaultsProgram
{
    private const string Usage = "usage: scripts/faults.sh [--kills N, default 50] [--seed S] [--database sqlite|postgres] [--instances N, default 1; more with postgres]";

    public static async Task<int> Main(string[] args)
    {
        var options = new CampaignOptions(50, Random.Shared.Next());
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            switch (args[i])
            {
                case "--kills" when isNumber:
                    options = options with { Kills = number };
                    break;
                case "--seed" when isNumber:
                    options = options with { Seed = number };
                    break;
                case "--instances" when isNumber && number > 0:
                    options = options with { Instances = number };
                    break;
                case "--database" when value is "sqlite" or "postgres":
                    Environment.SetEnvironmentVariable("CAPVAULT_TEST_DATABASE", value);
                    break;
                default:
                    await Console.Error.WriteLineAsync($"Found '{args[i]} {value}', which is none of the options. {Usage}");
                    return 2;
            }
        }

        if (options.Instances > 1 && !RelayerDatabase.IsPostgres)
        {
            await Console.Error.WriteLineAsync($"Found {options.Instances} relayers on SQLite, which is for one. {Usage}");
            return 2;
        }

        var verdict = await Campaign.RunAsync(options, Console.WriteLine, Path.Combine(Repository.Root, ".capvault", "faults"));
        return verdict.IsClean ? 0 : 1;
    }
}
