using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Chain;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Sponsoring;

/// <summary>
/// What is sponsored, for how much. What a policy does not name is denied; an open one names no calls and no accounts and sponsors any, which
/// is for sandboxes.
/// </summary>
public sealed class SponsorPolicy
{
    private const string Any = "*";
    private const string Account = "account";

    private readonly HashSet<(string To, string Selector)> _calls;
    private readonly HashSet<string> _accountCode;
    private readonly HashSet<string> _factories;

    private SponsorPolicy(bool isOpen, SponsorBudgets budgets, GasCaps caps, HashSet<(string To, string Selector)> calls, HashSet<string> accountCode, HashSet<string> factories)
    {
        IsOpen = isOpen;
        Budgets = budgets;
        Caps = caps;
        _calls = calls;
        _accountCode = accountCode;
        _factories = factories;
    }

    /// <summary>Whether any call of any account is sponsored, within the caps and budgets.</summary>
    public bool IsOpen { get; }

    /// <summary>Whether anything is sponsored at all.</summary>
    public bool IsNone => Budgets == SponsorBudgets.None;

    /// <summary>How much may be promised.</summary>
    public SponsorBudgets Budgets { get; }

    /// <summary>How large one operation may be.</summary>
    public GasCaps Caps { get; }

    /// <summary>Whether an account may be made to call <paramref name="to"/> with this selector.</summary>
    /// <param name="sender">The account.</param>
    /// <param name="to">What it calls; itself for its own functions.</param>
    /// <param name="selector">Four bytes; none for a plain transfer of ETH.</param>
    public bool Allows(byte[] sender, byte[] to, ReadOnlySpan<byte> selector)
    {
        var target = to.AsSpan().SequenceEqual(sender) ? Account : to.ToHex(prefix: true);
        return IsOpen || _calls.Contains((target, Any)) || _calls.Contains((target, selector.ToArray().ToHex(prefix: true)));
    }

    /// <summary>Whether accounts with this code are sponsored, and bundled for.</summary>
    /// <param name="codeHash">keccak256 of the code.</param>
    public bool AllowsCode(byte[] codeHash) => IsOpen || _accountCode.Contains(codeHash.ToHex(prefix: true));

    /// <summary>Whether accounts that this contract makes are sponsored, and bundled for: of an account that is not there yet there is no code.</summary>
    public bool AllowsFactory(byte[] factory) => IsOpen || _factories.Contains(factory.ToHex(prefix: true));

    /// <summary>Reads the options' policy file; without one a sandbox's policy is open, and elsewhere nothing is sponsored.</summary>
    /// <exception cref="InvalidOperationException">The file is missing or wrong.</exception>
    public static SponsorPolicy Of(RelayerOptions options, ChainContext context)
    {
        if (options.SponsorPolicyFile.Length == 0)
        {
            return new SponsorPolicy(options.Sandbox, options.Sandbox ? SponsorBudgets.Unlimited : SponsorBudgets.None, GasCaps.Default, [], [], []);
        }

        try
        {
            return Parse(File.ReadAllText(options.SponsorPolicyFile), context);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"SponsorPolicyFile {options.SponsorPolicyFile}: {exception.Message}", exception);
        }
    }

    private static SponsorPolicy Parse(string json, ChainContext context)
    {
        var file = JsonSerializer.Deserialize<PolicyFile>(json, CapJson.Strict) ?? throw new FormatException("Found null, expected a policy.");
        if (file.Open && file.Calls.Count + file.AccountCode.Count + file.Factories.Count > 0)
        {
            throw new FormatException("open: found true beside calls, accountCode or factories, expected one of the two: an open policy sponsors any call of any account.");
        }

        var calls = file.Calls.SelectMany((call, index) => CallsOf(call, $"calls[{index}]", context)).ToHashSet();
        var code = file.AccountCode.Select((hash, index) => HexOf(hash, 32, $"accountCode[{index}]", "the keccak256 of an account's code")).ToHashSet(StringComparer.Ordinal);
        var factories = file.Factories.Select((address, index) => HexOf(address, 20, $"factories[{index}]", "the address of a contract that makes accounts")).ToHashSet(StringComparer.Ordinal);
        return new SponsorPolicy(file.Open, BudgetsOf(file), CapsOf(file), calls, code, factories);
    }

    private static IEnumerable<(string To, string Selector)> CallsOf(AllowedCalls call, string field, ChainContext context)
    {
        var to = call.To switch
        {
            Account => Account,
            "vault" => HexOf(context.Vault, 20, field, ""),
            "usdc" => HexOf(context.Usdc, 20, field, ""),
            _ => HexOf(call.To, 20, $"{field}.to", "an address, vault, usdc or account"),
        };
        return call.Functions.Select((function, index) => (to, SelectorOf(function, $"{field}.functions[{index}]")));
    }

    private static string SelectorOf(string function, string field) =>
        function == Any ? Any
        : function.Contains('(', StringComparison.Ordinal) && function.EndsWith(')') && !function.Any(char.IsWhiteSpace)
            ? Sha3Keccack.Current.CalculateHash(Encoding.UTF8.GetBytes(function))[..4].ToHex(prefix: true)
            : HexOf(function, 4, field, "a selector, a signature such as transfer(address,uint256), or *");

    private static string HexOf(string value, int length, string field, string expected) =>
        value.StartsWith("0x", StringComparison.Ordinal) && value.Length == 2 + (2 * length) && value.IsHex()
            ? value.ToLowerInvariant()
            : throw new FormatException($"{field}: found \"{value}\", expected {expected}: 0x and {2 * length} hex digits.");

    private static SponsorBudgets BudgetsOf(PolicyFile file)
    {
        var budgets = file.Budgets ?? (file.Open ? new() : throw new FormatException("budgets: found nothing, expected the ETH that may be spent per UTC day."));
        long Read(string? value, string field) => value is null
            ? file.Open ? long.MaxValue : throw new FormatException($"budgets.{field}: found nothing, expected ETH per UTC day, such as \"0.05\".")
            : GasMoney.TryParse(value, out var gwei) ? gwei : throw new FormatException($"budgets.{field}: found \"{value}\", expected ETH with at most 9 decimals, such as \"0.05\".");
        return new SponsorBudgets
        {
            Global = Read(budgets.Global, "global"),
            PerOwner = Read(budgets.PerOwner, "perOwner"),
            NewOwner = Read(budgets.NewOwner, "newOwner"),
            PerAgent = Read(budgets.PerAgent, "perAgent"),
            PerKey = Read(budgets.PerKey, "perKey"),
            TopUps = Read(budgets.TopUps, "topUps"),
        };
    }

    private static GasCaps CapsOf(PolicyFile file)
    {
        var caps = file.Caps ?? new();
        foreach (var (field, value, highest) in new[]
        {
            ("callGas", caps.CallGas, 15_000_000), ("verificationGas", caps.VerificationGas, 15_000_000), ("preVerificationGas", caps.PreVerificationGas, 15_000_000),
            ("maxFeeGwei", caps.MaxFeeGwei, 1_000_000), ("maxPriorityFeeGwei", caps.MaxPriorityFeeGwei, 1_000_000),
        })
        {
            if (value is < 1 || value > highest)
            {
                throw new FormatException($"caps.{field}: found {value}, expected 1 – {highest}.");
            }
        }

        return caps;
    }

    private sealed record PolicyFile
    {
        public bool Open { get; init; }

        public IReadOnlyList<AllowedCalls> Calls { get; init; } = [];

        public IReadOnlyList<string> AccountCode { get; init; } = [];

        public IReadOnlyList<string> Factories { get; init; } = [];

        public GasCaps? Caps { get; init; }

        public BudgetsFile? Budgets { get; init; }
    }

    private sealed record AllowedCalls
    {
        public required string To { get; init; }

        public required IReadOnlyList<string> Functions { get; init; }
    }

    private sealed record BudgetsFile
    {
        public string? Global { get; init; }

        public string? PerOwner { get; init; }

        public string? NewOwner { get; init; }

        public string? PerAgent { get; init; }

        public string? PerKey { get; init; }

        public string? TopUps { get; init; }
    }
}

/// <summary>What may be promised per UTC day of chain time, gwei.</summary>
public sealed record SponsorBudgets
{
    /// <summary>No bounds.</summary>
    public static SponsorBudgets Unlimited { get; } = new()
    {
        Global = long.MaxValue,
        PerOwner = long.MaxValue,
        NewOwner = long.MaxValue,
        PerAgent = long.MaxValue,
        PerKey = long.MaxValue,
        TopUps = long.MaxValue,
    };

    /// <summary>Nothing is sponsored; the deposit is kept up, so that exits are.</summary>
    public static SponsorBudgets None { get; } = new() { TopUps = long.MaxValue };

    /// <summary>To all together.</summary>
    public long Global { get; init; }

    /// <summary>To one Owner's agents.</summary>
    public long PerOwner { get; init; }

    /// <summary>To one Owner's agents as long as none of them has completed an order: a new Owner costs nothing to make.</summary>
    public long NewOwner { get; init; }

    /// <summary>To one agent.</summary>
    public long PerAgent { get; init; }

    /// <summary>To one key on JSON-RPC.</summary>
    public long PerKey { get; init; }

    /// <summary>What the deposit is topped up by.</summary>
    public long TopUps { get; init; }
}

/// <summary>Upper bounds of one operation.</summary>
public sealed record GasCaps
{
    /// <summary>What holds where the policy says nothing.</summary>
    public static GasCaps Default { get; } = new();

    /// <summary>Gas of the account's call.</summary>
    public long CallGas { get; init; } = 5_000_000;

    /// <summary>Gas of the account's validation, with its deployment.</summary>
    public long VerificationGas { get; init; } = 3_000_000;

    /// <summary>Gas that the bundler is paid for what cannot be measured.</summary>
    public long PreVerificationGas { get; init; } = 1_000_000;

    /// <summary>Fee per gas, gwei.</summary>
    public long MaxFeeGwei { get; init; } = 10_000;

    /// <summary>Tip per gas, gwei.</summary>
    public long MaxPriorityFeeGwei { get; init; } = 1000;
}

/// <summary>Amounts of gas in gwei of the native coin.</summary>
public static class GasMoney
{
    private static readonly BigInteger Wei = BigInteger.Pow(10, 9);

    /// <summary>Wei, rounded up.</summary>
    public static long FromWei(BigInteger wei)
    {
        var gwei = (wei + Wei - 1) / Wei;
        return gwei > long.MaxValue ? long.MaxValue : (long)gwei;
    }

    /// <summary>In wei.</summary>
    public static BigInteger ToWei(long gwei) => gwei * Wei;

    /// <summary>As people write it.</summary>
    public static string Format(long gwei) => string.Create(CultureInfo.InvariantCulture, $"{gwei / 1e9m:0.#########} ETH");

    /// <summary>Reads ETH with up to 9 decimals.</summary>
    public static bool TryParse(string text, out long gwei)
    {
        gwei = 0;
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var eth) || eth > 1_000_000_000 || eth * 1_000_000_000 % 1 != 0)
        {
            return false;
        }

        gwei = (long)(eth * 1_000_000_000);
        return true;
    }
}
