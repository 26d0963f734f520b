using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Rpc;

/// <summary>An operation as ERC-7769 writes it, field by field, and as the EntryPoint packs it.</summary>
public sealed record RpcUserOperation
{
    // What nodes take as one transaction is 128 KiB; larger than that no bundle could carry it.
    private const int MaxBytes = 64 * 1024;

    private static readonly string[] Older = ["initCode", "paymasterAndData"];
    private static readonly byte[] Marker = [0x77, 0x02];

    /// <summary>The account.</summary>
    public required byte[] Sender { get; init; }

    /// <summary>Key and sequence.</summary>
    public BigInteger Nonce { get; init; }

    /// <summary>What makes the account, as it is packed: factory and its data, EIP-7702's marker, or nothing.</summary>
    public byte[] InitCode { get; init; } = [];

    /// <summary>The account's call.</summary>
    public byte[] CallData { get; init; } = [];

    /// <summary>Gas of the call.</summary>
    public BigInteger CallGasLimit { get; init; }

    /// <summary>Gas of the account's validation, with its deployment.</summary>
    public BigInteger VerificationGasLimit { get; init; }

    /// <summary>Gas that the bundler is paid for what cannot be measured.</summary>
    public BigInteger PreVerificationGas { get; init; }

    /// <summary>Wei per gas.</summary>
    public BigInteger MaxFeePerGas { get; init; }

    /// <summary>Wei per gas.</summary>
    public BigInteger MaxPriorityFeePerGas { get; init; }

    /// <summary>Who pays; null: the account itself.</summary>
    public byte[]? Paymaster { get; init; }

    /// <summary>Gas of the paymaster's validation.</summary>
    public BigInteger PaymasterVerificationGasLimit { get; init; }

    /// <summary>Gas of what the paymaster does after the call.</summary>
    public BigInteger PaymasterPostOpGasLimit { get; init; }

    /// <summary>What the paymaster validates by.</summary>
    public byte[] PaymasterData { get; init; } = [];

    /// <summary>The account's.</summary>
    public byte[] Signature { get; init; } = [];

    /// <summary>Whether the account is an EOA that has delegated itself (EIP-7702).</summary>
    public bool IsDelegated => InitCode.AsSpan().StartsWith(Marker);

    /// <summary>Whether it makes its account.</summary>
    public bool Deploys => InitCode.Length > 0 && !IsDelegated;

    /// <summary>All of its limits: what the EntryPoint holds back for it, in gas.</summary>
    public BigInteger Gas => CallGasLimit + VerificationGasLimit + PreVerificationGas + PaymasterVerificationGasLimit + PaymasterPostOpGasLimit;

    /// <summary>Reads one.</summary>
    /// <param name="json">The parameter.</param>
    /// <param name="isComplete">Whether gas, fees and signature must be there; else they count as 0.</param>
    /// <exception cref="RpcException">−32602.</exception>
    public static RpcUserOperation Read(JsonElement json, bool isComplete)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw RpcException.Invalid("userOperation", RpcException.Text(json), "an object");
        }

        foreach (var field in Older)
        {
            if (Has(json, field, out _))
            {
                throw RpcException.Invalid(field, "a field of EntryPoint v0.6", "factory and factoryData, paymaster and paymasterData");
            }
        }

        if (Has(json, "eip7702Auth", out _) || Has(json, "authorization", out _))
        {
            throw RpcException.Invalid("eip7702Auth", "an authorization", "nothing: delegate the account by a transaction of its own first");
        }

        var operation = new RpcUserOperation
        {
            Sender = RpcFields.Address(Require(json, "sender"), "sender"),
            Nonce = RpcFields.Quantity(Require(json, "nonce"), "nonce", 256),
            InitCode = InitCodeOf(json),
            CallData = RpcFields.Bytes(Require(json, "callData"), "callData", MaxBytes),
            CallGasLimit = Number("callGasLimit"),
            VerificationGasLimit = Number("verificationGasLimit"),
            PreVerificationGas = Number("preVerificationGas"),
            MaxFeePerGas = Number("maxFeePerGas"),
            MaxPriorityFeePerGas = Number("maxPriorityFeePerGas"),
            Paymaster = Has(json, "paymaster", out var paymaster) ? RpcFields.Address(paymaster, "paymaster") : null,
            PaymasterVerificationGasLimit = Number("paymasterVerificationGasLimit", isRequired: false),
            PaymasterPostOpGasLimit = Number("paymasterPostOpGasLimit", isRequired: false),
            PaymasterData = Has(json, "paymasterData", out var data) ? RpcFields.Bytes(data, "paymasterData", MaxBytes) : [],
            Signature = Has(json, "signature", out var signature) || isComplete ? RpcFields.Bytes(signature, "signature", MaxBytes) : [],
        };
        return operation.Paymaster is null && operation.PaymasterData.Length > 0
            ? throw RpcException.Invalid("paymaster", null, "the paymaster that paymasterData is for")
            : operation.CallData.Length + operation.InitCode.Length + operation.PaymasterData.Length + operation.Signature.Length > MaxBytes
                ? throw RpcException.Invalid("userOperation", "more", $"at most {MaxBytes} bytes of callData, factoryData, paymasterData and signature together")
                : operation;

        BigInteger Number(string field, bool isRequired = true) =>
            Has(json, field, out var value) || (isRequired && isComplete) ? RpcFields.Quantity(value, field, RpcFields.Short) : BigInteger.Zero;
    }

    /// <summary>As the EntryPoint takes it.</summary>
    public PackedUserOperation ToPacked() => new()
    {
        Sender = Sender.ToHex(prefix: true),
        Nonce = Nonce,
        InitCode = InitCode,
        CallData = CallData,
        AccountGasLimits = UserOperations.AccountGasLimits(VerificationGasLimit, CallGasLimit),
        PreVerificationGas = PreVerificationGas,
        GasFees = UserOperations.GasFees(MaxPriorityFeePerGas, MaxFeePerGas),
        PaymasterAndData = Paymaster is null
            ? []
            : [.. Paymaster, .. UserOperations.AccountGasLimits(PaymasterVerificationGasLimit, PaymasterPostOpGasLimit), .. PaymasterData],
        Signature = Signature,
    };

    /// <summary>One that the EntryPoint has, as ERC-7769 writes it.</summary>
    public static Dictionary<string, string> Write(PackedUserOperation packed)
    {
        var (verification, call) = UserOperations.Unpack(packed.AccountGasLimits);
        var (priorityFee, maxFee) = UserOperations.Unpack(packed.GasFees);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["sender"] = AddressUtil.Current.ConvertToChecksumAddress(packed.Sender),
            ["nonce"] = RpcFields.Hex(packed.Nonce),
            ["callData"] = packed.CallData.ToHex(prefix: true),
            ["callGasLimit"] = RpcFields.Hex(call),
            ["verificationGasLimit"] = RpcFields.Hex(verification),
            ["preVerificationGas"] = RpcFields.Hex(packed.PreVerificationGas),
            ["maxFeePerGas"] = RpcFields.Hex(maxFee),
            ["maxPriorityFeePerGas"] = RpcFields.Hex(priorityFee),
            ["signature"] = packed.Signature.ToHex(prefix: true),
        };
        if (packed.InitCode.Length > 0)
        {
            var at = Math.Min(packed.InitCode.Length, 20);
            fields["factory"] = packed.InitCode[..at].ToHex(prefix: true);
            fields["factoryData"] = packed.InitCode[at..].ToHex(prefix: true);
        }

        if (packed.PaymasterAndData.Length >= 52)
        {
            var (paymasterVerification, postOp) = UserOperations.Unpack(packed.PaymasterAndData[20..52]);
            fields["paymaster"] = AddressUtil.Current.ConvertToChecksumAddress(packed.PaymasterAndData[..20]);
            fields["paymasterVerificationGasLimit"] = RpcFields.Hex(paymasterVerification);
            fields["paymasterPostOpGasLimit"] = RpcFields.Hex(postOp);
            fields["paymasterData"] = packed.PaymasterAndData[52..].ToHex(prefix: true);
        }

        return fields;
    }

    // Clients write the marker as two bytes or padded to an address. The EntryPoint hashes the delegate in its place, so it takes both; but the sponsor
    // signs over the bytes that are packed, so there must be one way: two bytes, and padded where data follows, as the data begins at the 20th byte.
    private static byte[] InitCodeOf(JsonElement json)
    {
        var data = Has(json, "factoryData", out var factoryData) ? RpcFields.Bytes(factoryData, "factoryData", MaxBytes) : [];
        if (!Has(json, "factory", out var factory))
        {
            return data.Length == 0 ? [] : throw RpcException.Invalid("factory", null, "the factory that factoryData is for");
        }

        var isMarker = factory.ValueKind == JsonValueKind.String && (factory.GetString() == "0x7702" || factory.GetString() == "0x7702".PadRight(42, '0'));
        return isMarker ? data.Length == 0 ? Marker : [.. Marker, .. new byte[18], .. data] : [.. RpcFields.Address(factory, "factory"), .. data];
    }

    private static bool Has(JsonElement json, string field, out JsonElement value) =>
        json.TryGetProperty(field, out value) && value.ValueKind != JsonValueKind.Null;

    private static JsonElement Require(JsonElement json, string field) => Has(json, field, out var value) ? value : throw RpcException.Invalid(field, null, "a value");
}
